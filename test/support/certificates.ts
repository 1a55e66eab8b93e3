import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A certificate and its key, as files in PEM. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority of a test's own. */
export interface Authority {
  readonly caFile: string
  /** `name`: of the host, or of the client. `expired`: it was valid until yesterday. */
  issue(name: string, options?: { expired?: boolean }): Promise<Certificate>
}

/** Authorities whose files stay until `remove()`. */
export class Certificates {
  readonly #dir: string
  #files = 0

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async make(): Promise<Certificates> {
    return new Certificates(await mkdtemp(join(tmpdir(), 'tradpal-certificates-')))
  }

  async newAuthority(): Promise<Authority> {
    const [caFile, keyFile] = [this.#next('ca.pem'), this.#next('ca-key.pem')]
    await run('openssl', [
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      keyFile,
      '-out',
      caFile,
      '-days',
      '2',
      ...subject('CA')
    ])
    return {
      caFile,
      issue: async (name, { expired = false } = {}) => {
        const [certFile, ownKeyFile, request] = [this.#next('cert.pem'), this.#next('key.pem'), this.#next('csr.pem')]
        const extensions = this.#next('extensions')
        const kind = /^[\d.]+$/.test(name) ? 'IP' : 'DNS'
        await writeFile(extensions, `subjectAltName=${kind}:${name}\n`)
        await run('openssl', ['req', ...NEW_KEY, '-keyout', ownKeyFile, '-out', request, ...subject(name)])
        const days = expired ? '-1' : '2'
        const signing = ['-CA', caFile, '-CAkey', keyFile, '-CAcreateserial', '-days', days, '-extfile', extensions]
        await run('openssl', ['x509', '-req', '-in', request, '-out', certFile, ...signing])
        return { certFile, keyFile: ownKeyFile }
      }
    }
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true })
  }

  #next(name: string): string {
    return join(this.#dir, `${++this.#files}-${name}`)
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256']

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`]
}
