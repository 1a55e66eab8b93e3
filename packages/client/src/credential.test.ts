import { expect, it } from 'vitest'
import { Credential } from './credential.ts'

it('is renewed once for all who were refused at the same time, and not for who was refused before', async () => {
  let asked = 0
  const credential = new Credential(() => `token-${++asked}`)
  const first = await credential.current()

  const together = await Promise.all([credential.renewed(first), credential.renewed(first)])
  const late = await credential.renewed(first)

  expect([...together, late]).toEqual(['token-2', 'token-2', 'token-2'])
})
