import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Documents, systemClock } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { onTestFinished } from 'vitest'
import type { RunningService } from '../../../src/index.ts'

/** A policy in a file of its own, for the test that runs. */
export async function policyFile(policy: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-policy-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'policy.json')
  await writeFile(path, JSON.stringify(policy))
  return path
}

/** A new key of a principal of a service. */
export async function keyOf({ system }: RunningService, name: string, scopes: readonly string[] = []): Promise<string> {
  const { key } = await new ApiKeys(new Documents(system.storage), systemClock).create({ name, scopes, by: 'a test' })
  return key
}
