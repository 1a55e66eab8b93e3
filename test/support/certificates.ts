import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

/** What who has it shows, read from its files. */
export function showing({ certFile, keyFile }: Certificate): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

/** An authority of a test's own. */
export interface Authority {
  readonly caFile: string
  /** `name`: of the host, or of the client. `expired`: it was valid until yesterday. `names`: others than that, as openssl writes them, or none. */
  issue(name: string, options?: { expired?: boolean; names?: string }): Promise<Certificate>
  /** A file with the list of the certificates that it has revoked. */
  revocations(revoked: readonly Certificate[]): Promise<string>
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
      issue: async (name, { expired = false, names = sameName(name) } = {}) => {
        const [certFile, ownKeyFile, request] = [this.#next('cert.pem'), this.#next('key.pem'), this.#next('csr.pem')]
        const extensions = this.#next('extensions')
        await writeFile(extensions, names === '' ? '' : `subjectAltName=${names}\n`)
        await run('openssl', ['req', ...NEW_KEY, '-keyout', ownKeyFile, '-out', request, ...subject(name)])
        const days = expired ? '-1' : '2'
        const signing = ['-CA', caFile, '-CAkey', keyFile, '-CAcreateserial', '-days', days, '-extfile', extensions]
        await run('openssl', ['x509', '-req', '-in', request, '-out', certFile, ...signing])
        return { certFile, keyFile: ownKeyFile }
      },
      revocations: async (revoked) => {
        const [settings, database, listFile] = [this.#next('settings'), this.#next('index'), this.#next('crl.pem')]
        await writeFile(database, '')
        await writeFile(settings, `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\n${LIST}`)
        const by = ['-config', settings, '-cert', caFile, '-keyfile', keyFile]
        for (const { certFile } of revoked) await run('openssl', ['ca', ...by, '-revoke', certFile])
        await run('openssl', ['ca', ...by, '-gencrl', '-out', listFile])
        return listFile
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

const LIST = 'default_md=sha256\ndefault_crl_days=2\n'

function sameName(name: string): string {
  return `${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`
}

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`]
}
