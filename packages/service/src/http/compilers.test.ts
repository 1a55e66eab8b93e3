import Type from 'typebox'
import { expect, test } from 'vitest'
import { compilersFactory } from './compilers.ts'

const route = { method: 'GET', url: '/', httpStatus: '200' }

test('a schema is compiled once for all apps of a process, whichever endpoint has it', () => {
  const schema = Type.Object({ name: Type.String() })
  const options = { customOptions: {} }
  const [one, other] = [compilersFactory.buildSerializer(), compilersFactory.buildSerializer()]
  const [validators, same] = [
    compilersFactory.buildValidator({}, options),
    compilersFactory.buildValidator({}, options)
  ]

  expect(one({ ...route, schema })).toBe(other({ ...route, url: '/elsewhere', schema }))
  expect(validators({ schema })).toBe(same({ schema }))
})

test('another schema has a compilation of its own', () => {
  const [serialize, other] = [Type.Object({ name: Type.String() }), Type.Object({ size: Type.Integer() })].map(
    (schema) => compilersFactory.buildSerializer()({ ...route, schema })
  )

  expect(serialize?.({ name: 'a', size: 1 })).toBe('{"name":"a"}')
  expect(other?.({ name: 'a', size: 1 })).toBe('{"size":1}')
})
