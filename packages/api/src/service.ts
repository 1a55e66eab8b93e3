import Type, { type Static } from 'typebox'

export const ServiceInfo = Type.Object(
  {
    service: Type.Literal('event_service'),
    version: Type.String(),
    log: Type.Object({ kind: Type.String(), location: Type.String() }, { description: 'Which log it is.' }),
    links: Type.Record(Type.String(), Type.String(), { description: 'Paths, and what is there.' })
  },
  { title: 'ServiceInfo', description: 'What runs here, and where to go on.' }
)
export type ServiceInfo = Static<typeof ServiceInfo>
