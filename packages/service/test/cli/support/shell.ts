import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment, NODE_ARGUMENTS, temporaryFolder } from './command.ts'

/** When to send a signal: once the standard output matches, and `ready`, given it, has resolved. */
export interface Stop {
  readonly until: RegExp
  readonly ready?: (stdout: string) => Promise<unknown>
  readonly signal: NodeJS.Signals
}

export interface ShellOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Given to commands that name no log and no service. */
  readonly defaultTarget?: readonly string[]
  readonly stopWhen?: Stop
}

/** Runs a line of shell in which `tradpal-events` is the command. */
export async function runShell(line: string, { cwd, env = {}, defaultTarget = [], stopWhen }: ShellOptions = {}) {
  const bin = await temporaryFolder()
  const shim = join(bin, 'tradpal-events')
  const start = `exec '${process.execPath}' ${NODE_ARGUMENTS.join(' ')} "$@"`
  await writeFile(
    shim,
    `#!/bin/sh\ncase " $* " in *" --log "*|*" --url "*|*" --redis "*) ${start};; *) ${start} ${defaultTarget.join(' ')};; esac\n`
  )
  await chmod(shim, 0o755)
  const child = spawn('bash', ['-c', line], {
    cwd,
    env: { ...cleanEnvironment(), ...env, PATH: `${bin}:${process.env.PATH}`, TERM: 'xterm-256color' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let [stdout, stderr] = ['', '']
  let stopping = stopWhen === undefined
  child.stdout.setEncoding('utf8').on('data', async (text) => {
    stdout += text
    // Once only: the second signal ends a command at once.
    if (stopping || !stopWhen?.until.test(stdout)) return
    stopping = true
    await stopWhen.ready?.(stdout)
    child.kill(stopWhen.signal)
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}
