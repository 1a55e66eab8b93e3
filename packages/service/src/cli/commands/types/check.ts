import { compareSchemas, EventSystemError, isJsonObject, type JsonObject } from '@tradpal/events'
import { type Command, Option } from 'commander'
import { ExitCode } from '../../exit-codes.ts'
import { jsonOf, type StandardInput } from '../../input-file.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

type Direction = 'backward' | 'forward'

interface CheckOptions {
  readonly direction: Direction | 'both'
}

export function defineCheck(command: Command, run: Run): void {
  command
    .command('check <old> <new>')
    .description('Compare two JSON Schemas of an event type: does a reader with the one take the data of the other?')
    .addOption(
      new Option(
        '--direction <direction>',
        'backward: the new schema reads data of the old one; forward: the old schema reads data of the new one'
      )
        .choices(['backward', 'forward', 'both'])
        .default('both')
    )
    .addHelpText(
      'after',
      `\nIt ends with 4 unless the schemas are compatible in each direction that is asked for.\n${examples(
        'tradpal-events types check order.v1.json order.v2.json',
        'tradpal-events types check order.v1.json order.v2.json --direction backward --json'
      )}`
    )
    .action(
      run<[string, string, CheckOptions]>(async ({ output, stdin }, oldFile, newFile, { direction }) => {
        const comparison = compareSchemas(await schemaOf(oldFile, stdin), await schemaOf(newFile, stdin))
        const directions: readonly Direction[] = direction === 'both' ? ['backward', 'forward'] : [direction]
        const differences = comparison.differences.filter((difference) => directions.includes(difference.direction))
        if (output.json) {
          const verdicts = Object.fromEntries(directions.map((each) => [each, comparison[each]]))
          await output.document({ ...verdicts, differences })
        } else {
          for (const each of directions) {
            await output.line(`${each}: ${comparison[each]}`)
            for (const { pointer, message } of differences.filter((found) => found.direction === each)) {
              await output.line('  ', pointer, ': ', message)
            }
          }
        }
        const isCompatible = directions.every((each) => comparison[each] === 'compatible')
        return isCompatible ? ExitCode.DONE : ExitCode.INCOMPATIBLE
      })
    )
}

async function schemaOf(file: string, stdin: StandardInput): Promise<JsonObject> {
  const schema: unknown = await jsonOf(file, `@${file}`, stdin)
  if (isJsonObject(schema)) return schema
  throw new EventSystemError('invalid_argument', `${file} must hold a JSON Schema that is an object.`)
}
