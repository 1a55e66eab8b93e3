import type { IssuedApiKey } from '@tradpal/event-client'
import type { Output } from '../../output.ts'
import { keyDocument } from './key-document.ts'

/** The key itself goes to the standard output alone, so that a script can take it; what is to be known goes beside it. */
export async function showIssued({ key, apiKey }: IssuedApiKey, output: Output): Promise<void> {
  if (output.json) return output.document({ key, ...keyDocument(apiKey) })
  await output.line(key)
  output.note(`This is the key ${apiKey.id} of ${apiKey.name}. It is shown this once: keep it where secrets are kept.`)
}
