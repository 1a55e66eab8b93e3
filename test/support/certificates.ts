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
  readonly keyFile: string
  /** `name`: of the host, or of the client. `expired`: it was valid until yesterday. `names`: others than that, as openssl writes them, or none. */
  issue(name: string, options?: { expired?: boolean; names?: string }): Promise<Certificate>
  /** An authority that this one has issued. */
  between(name: string): Promise<Authority>
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
    const own = ['-keyout', keyFile, '-out', caFile, '-days', '2', ...subject('CA')]
    await run('openssl', ['req', '-x509', ...NEW_KEY, ...own])
    return this.#authority({ certFile: caFile, keyFile })
  }

  /** The certificate with those of the authorities between it and the root behind it, in one file. */
  async chained({ certFile, keyFile }: Certificate, between: readonly Authority[]): Promise<Certificate> {
    return { certFile: await this.joined([certFile, ...between.map(({ caFile }) => caFile)]), keyFile }
  }

  /** A file with what these have, one behind the other. */
  async joined(files: readonly string[]): Promise<string> {
    const file = this.#next('joined.pem')
    await writeFile(file, Buffer.concat(files.map((one) => readFileSync(one))))
    return file
  }

  #authority(own: Certificate): Authority {
    return {
      caFile: own.certFile,
      keyFile: own.keyFile,
      issue: (name, { expired = false, names = sameName(name) } = {}) =>
        this.#issue(own, name, {
          days: expired ? '-1' : '2',
          extensions: names === '' ? '' : `subjectAltName=${names}`
        }),
      between: async (name) => this.#authority(await this.#issue(own, name, { days: '2', extensions: OF_AUTHORITY })),
      revocations: async (revoked) => {
        const [settings, database, listFile] = [this.#next('settings'), this.#next('index'), this.#next('crl.pem')]
        await writeFile(database, '')
        await writeFile(settings, `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\n${LIST}`)
        const by = ['-config', settings, '-cert', own.certFile, '-keyfile', own.keyFile]
        for (const { certFile } of revoked) await run('openssl', ['ca', ...by, '-revoke', certFile])
        await run('openssl', ['ca', ...by, '-gencrl', '-out', listFile])
        return listFile
      }
    }
  }

  async #issue(by: Certificate, name: string, { days, extensions }: { days: string; extensions: string }) {
    const [certFile, keyFile, request] = [this.#next('cert.pem'), this.#next('key.pem'), this.#next('csr.pem')]
    const extensionsFile = this.#next('extensions')
    await writeFile(extensionsFile, `${extensions}\n`)
    await run('openssl', ['req', ...NEW_KEY, '-keyout', keyFile, '-out', request, ...subject(name)])
    const signing = ['-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial', '-days', days]
    await run('openssl', ['x509', '-req', '-in', request, '-out', certFile, ...signing, '-extfile', extensionsFile])
    return { certFile, keyFile }
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true })
  }

  #next(name: string): string {
    return join(this.#dir, `${++this.#files}-${name}`)
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256']

const OF_AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'

const LIST = 'default_md=sha256\ndefault_crl_days=2\n'

function sameName(name: string): string {
  return `${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`
}

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`]
}
