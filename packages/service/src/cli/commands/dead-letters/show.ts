import { stringifyJson } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { type Output, styled } from '../../output.ts'
import { letterDocument } from './letter-document.ts'

export function defineShow(command: Command, run: Run): void {
  command
    .command('show <id>')
    .description('Show one dead letter in full.')
    .addHelpText('after', examples("tradpal-events dead-letters show '<id>'"))
    .action(
      run<[string, object]>(async ({ output, openService }, id) => {
        await using service = await openService()
        const letter = await service.client.deadLetters.get(id)
        const document = letterDocument(letter)
        await (output.json ? output.document(document) : showForPeople(output, document))
      })
    )
}

async function showForPeople(output: Output, document: ReturnType<typeof letterDocument>): Promise<void> {
  const { first_error: first, last_error: last, ...rest } = document
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : stringifyJson(value)
    await output.line(styled('bold', name.padEnd(12)), ' ', text)
  }
  for (const [name, { message, stack = message, pointer, at }] of [
    ['first_error', first] as const,
    ['last_error', last] as const
  ]) {
    await output.line(styled('bold', name.padEnd(12)), ' ', at)
    if (pointer !== undefined) await output.line('  at ', pointer)
    for (const line of stack.split('\n')) await output.line('  ', line)
  }
}
