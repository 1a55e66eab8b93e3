import { EventType, schemaOf } from '@tradpal/events'
import type { Command } from 'commander'
import { learnEventTypes } from '../../event-types.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineCheck } from './check.ts'

export function defineTypes(command: Command, run: Run): void {
  const shown = examples('tradpal-events types', 'tradpal-events types --json', 'tradpal-events types check --help')
  command.addHelpText('after', shown).action(
    run<[object]>(async ({ output, openService }) => {
      await using service = await openService()
      const names = await learnEventTypes(service.client)
      if (output.json) return output.document({ event_types: names })
      await output.table(
        ['TYPE', 'WHAT IT SAYS'],
        names.map((name) => [name, descriptionOf(name)])
      )
    })
  )
  defineCheck(command, run)
}

const OWN: ReadonlySet<string> = new Set(Object.values(EventType))

function descriptionOf(name: string): string {
  const { description } = schemaOf(name) as { description?: string }
  return description ?? (OWN.has(name) ? '' : 'registered by the operator')
}
