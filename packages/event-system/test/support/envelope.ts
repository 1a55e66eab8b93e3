/** The parts of an envelope in the data of an event. */
export interface StoredEnvelope {
  readonly version: string
  readonly holds: string
  readonly stages: readonly { readonly name: string; readonly [parameter: string]: string }[]
  readonly content: string
}

/** The parts of the envelope in the data of a payload, as the documentation describes its text. Undefined for plain data. */
export function envelopeIn(payload: string): StoredEnvelope | undefined {
  const text: unknown = JSON.parse(payload).data.$encoded
  if (typeof text !== 'string') return undefined
  const [version = '', holds = '', ...rest] = text.split(';')
  const stages = rest.slice(0, -1).map((stage) => {
    const [name = '', ...parameters] = stage.split(',')
    return { name, ...Object.fromEntries(parameters.map((parameter) => parameter.split('='))) }
  })
  return { version, holds, stages, content: rest.at(-1) ?? '' }
}

/** The text of an envelope. */
function envelopeText({ version, holds, stages, content }: StoredEnvelope): string {
  const texts = stages.map(({ name, ...parameters }) =>
    [name, ...Object.entries(parameters).map(([key, value]) => `${key}=${value}`)].join()
  )
  return [version, holds, ...texts, content].join(';')
}

/** The payload with parts of its envelope replaced. */
export function withEnvelope(payload: string, change: Partial<StoredEnvelope>): string {
  const envelope = { ...(envelopeIn(payload) as StoredEnvelope), ...change }
  return JSON.stringify({ ...JSON.parse(payload), data: { $encoded: envelopeText(envelope) } })
}

/** The names of the stages over content that a payload went through. */
export function stagesOf(payload: string): string[] {
  return envelopeIn(payload)?.stages.map(({ name }) => name) ?? []
}
