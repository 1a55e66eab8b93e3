import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { runCommand } from './support/command.ts'

const OPEN = { type: 'object', properties: { a: { type: 'string' } } }
const REQUIRED = { ...OPEN, required: ['a'] }
const PATTERN = { type: 'object', properties: { a: { type: 'string', pattern: 'x' } } }

async function check(schemas: readonly [unknown, unknown], ...options: string[]) {
  const folder = await newFolder()
  const files = ['old.json', 'new.json'].map((name) => join(folder, name))
  await Promise.all(files.map((file, i) => writeFile(file, JSON.stringify(schemas[i]))))
  return runCommand(['types', 'check', ...files, ...options])
}

test.each<[what: string, schemas: [unknown, unknown], options: string[], code: number, stdout: string]>([
  ['compatible', [OPEN, OPEN], [], 0, 'backward: compatible\nforward: compatible\n'],
  [
    'incompatible',
    [OPEN, REQUIRED],
    [],
    4,
    'backward: incompatible\n  /required: a is required, and may be missing.\nforward: compatible\n'
  ],
  ['incompatible, in the other direction', [OPEN, REQUIRED], ['--direction', 'forward'], 0, 'forward: compatible\n'],
  [
    'unknown',
    [OPEN, PATTERN],
    ['--direction', 'backward'],
    4,
    'backward: unknown\n  /properties/a/pattern: pattern differs, which is not compared.\n'
  ]
])('schemas that are %s are told so, by the exit code too', async (_, schemas, options, code, stdout) => {
  expect(await check(schemas, ...options)).toMatchObject({ code, stdout, stderr: '' })
})

test('schemas are compared for machines too', async () => {
  const { code, stdout } = await check([REQUIRED, OPEN], '--json')
  expect(code).toBe(4)
  expect(JSON.parse(stdout)).toMatchObject({
    backward: 'compatible',
    forward: 'incompatible',
    differences: [{ direction: 'forward', compatibility: 'incompatible', pointer: '/required' }]
  })
})

test('what is no schema is refused', async () => {
  expect(await check([OPEN, []])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/new\.json must hold .*\(invalid_argument\)/)
  })
  const missing = await runCommand(['types', 'check', 'nowhere.json', 'nowhere.json'])
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere.json cannot be read') })
})
