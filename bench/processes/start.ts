import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Starts one of the processes beside this file on its sources, and resolves to it and to the first thing that it says. */
export async function startProcess(
  script: 'consumer.ts' | 'contender.ts' | 'idler.ts' | 'scenario.ts',
  environment: NodeJS.ProcessEnv,
  args: readonly string[] = []
): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(join(import.meta.dirname, script), args, {
    execArgv: ['--conditions=tradpal-source', '--expose-gc'],
    env: { PATH: process.env.PATH, ...environment }
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ${args.join(' ')} ended with ${code} before it said anything.`)
  })
  const [said] = await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return { child, said }
}
