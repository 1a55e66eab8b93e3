import { isIP } from 'node:net'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { collectNames, examples } from '../../options.ts'

interface DevOptions {
  readonly dir: string
  readonly name?: readonly string[]
  readonly client?: readonly string[]
  readonly force?: true
}

/** A certificate of the command, as it says it. */
interface MadeFile {
  readonly file: string
  readonly for: string
  readonly valid_until: string
  readonly made: boolean
}

const SERVER_NAMES = ['localhost', '127.0.0.1', '::1']

export function defineDev(command: Command, run: Run): void {
  command
    .command('dev')
    .summary('an authority, a certificate of the service and some of clients')
    .description(
      'Makes an authority (ca.pem), the certificate of a service (server.pem) and those of clients (<name>.pem), each with its key (…-key.pem), in a folder. They are for development: whoever has the folder can make more of them.'
    )
    .option('--dir <folder>', 'where they are kept', './certs')
    .option('--name <names>', `names and addresses of the service (default: ${SERVER_NAMES.join(',')})`, collectNames)
    .option('--client <name>', 'a client, and the principal that it is; several: --client a,b', collectNames)
    .option('--force', 'make the certificates anew that are there; the authority stays')
    .addHelpText(
      'after',
      `\nWhat is there is kept, so that a client can be added later. Certificates are valid for 90 days, the authority for two years.\n${examples(
        'tradpal-events certs dev --client ml_service',
        'tradpal-events certs dev --dir ./certs --name localhost,events.internal --client ml_service --force'
      )}`
    )
    .action(
      run<[DevOptions]>(async ({ output }, { dir, name = SERVER_NAMES, client = [], force = false }) => {
        const strange = name.find((one) => !isHostName(one))
        if (strange !== undefined) {
          throw new EventSystemError(
            'invalid_argument',
            `The name of a service must be that of a host, or an address, such as localhost or 127.0.0.1, got ${JSON.stringify(strange)}.`
          )
        }
        const wrong = client.find((one) => !isClientName(one))
        if (wrong !== undefined) {
          throw new EventSystemError(
            'invalid_argument',
            `The name of a client must be 1 to 64 letters, digits and . _ - @, as a file has it, and not ca, server or one that ends with -key, got ${JSON.stringify(wrong)}.`
          )
        }
        const { CertificateFolder } = await import('./certificate-folder.ts')
        const folder = await CertificateFolder.open(dir)
        const pairs = [await folder.server(name, force)]
        for (const one of client) pairs.push(await folder.client(one, force))
        const files = [folder.authority, ...pairs].map(
          (pair): MadeFile => ({
            file: pair.file,
            for: pair.subject,
            valid_until: pair.validUntil.toISOString(),
            made: pair.made
          })
        )
        if (output.json) return output.document({ certificates: files })
        await output.table(
          ['FILE', 'FOR', 'VALID UNTIL', ''],
          files.map((file) => [file.file, file.for, file.valid_until, file.made ? 'made' : 'kept'])
        )
      })
    )
}

/** A name in DNS (RFC 1123), its first part perhaps `*`, or an IP address. */
function isHostName(name: string): boolean {
  const part = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
  return isIP(name) !== 0 || (name.length <= 253 && new RegExp(`^(?:\\*\\.)?${part}(?:\\.${part})*$`).test(name))
}

function isClientName(name: string): boolean {
  return /^[A-Za-z0-9_@][A-Za-z0-9._@-]{0,63}$/.test(name) && !/^(ca|server)$|-key$/.test(name)
}
