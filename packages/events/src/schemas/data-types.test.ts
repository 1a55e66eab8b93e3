import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json-value.ts'
import * as alternativeData from './alternative-data.ts'
import * as backtesting from './backtesting.ts'
import { eventSchemas } from './index.ts'
import * as ml from './ml.ts'
import type { ObjectSchema } from './object-schema.ts'
import * as system from './system.ts'
import * as trading from './trading.ts'

const HEADER =
  '// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.'

/** By file: the event types whose schemas stand in the file of the same name. */
const files = Object.entries({ trading, ml, 'alternative-data': alternativeData, backtesting, system }).map(
  ([name, schemas]) => {
    const inFile: readonly ObjectSchema[] = Object.values(schemas)
    return { name, types: Object.entries(eventSchemas).filter(([, schema]) => inFile.includes(schema)) }
  }
)

describe('the interfaces of what events carry are those of the schemas', () => {
  test.each(files)('$name', async ({ name, types }) => {
    const interfaces = types.map(([type, schema]) => interfaceOf(type, schema))
    const json = ['JsonObject', 'JsonValue'].filter((used) => interfaces.some((text) => text.includes(used)))
    const imports = json.length === 0 ? [] : [`import type { ${json.join(', ')} } from '../../json-value.ts'`]
    const text = `${[[HEADER, ...imports].join('\n'), ...interfaces].join('\n\n')}\n`
    await expect(text).toMatchFileSnapshot(`./data-types/${name}.ts`)
  })

  test('and each has its place among the event types', async () => {
    const byFile = [...files].sort((a, b) => (a.name < b.name ? -1 : 1))
    const imports = byFile.map(({ name, types }) => {
      const names = types.map(([type]) => interfaceNameOf(type)).sort()
      const oneLine = `import type { ${names.join(', ')} } from './${name}.ts'`
      if (oneLine.length <= 120) return oneLine
      return `import type {\n${names.map((each) => `  ${each}`).join(',\n')}\n} from './${name}.ts'`
    })
    const lines = Object.keys(eventSchemas).map((type) => `  ${type}: ${interfaceNameOf(type)}`)
    const map = `/** What an event carries, by event type. */\nexport interface EventDataMap {\n${lines.join('\n')}\n}`
    const exported = byFile.map(({ name }) => `export type * from './${name}.ts'`)
    const text = `${[[HEADER, ...imports].join('\n'), exported.join('\n'), map].join('\n\n')}\n`
    await expect(text).toMatchFileSnapshot('./data-types/index.ts')
  })
})

function interfaceNameOf(type: string): string {
  const words = type.split('_').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
  return `${words.join('')}Data`
}

function interfaceOf(type: string, { description, properties, required = [] }: ObjectSchema): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?'
    return `  /** ${schema.description} */\n  ${name}${optional}: ${typeOf(schema)}`
  })
  return `/** ${description} */\nexport interface ${interfaceNameOf(type)} {\n${fields.join('\n')}\n}`
}

function typeOf({ type, enum: words, items }: JsonObject): string {
  if (Array.isArray(words)) return words.map((word) => `'${word}'`).join(' | ')
  if (type === undefined) return 'JsonValue'
  const item = items === undefined ? 'JsonValue' : typeOf(items as JsonObject)
  const names: Record<string, string> = { object: 'JsonObject', array: `readonly ${item}[]` }
  return [type]
    .flat()
    .map((name) => names[String(name)] ?? name)
    .join(' | ')
}
