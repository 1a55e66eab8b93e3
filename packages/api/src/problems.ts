import Type, { type Static } from 'typebox'

export const Fault = Type.Object(
  {
    pointer: Type.String({ description: 'JSON pointer of the value that is wrong.' }),
    detail: Type.String({ description: 'A sentence that says what is wrong with it.' })
  },
  { title: 'Fault', description: 'One value that is wrong.' }
)
export type Fault = Static<typeof Fault>

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'A sentence that says what is wrong and where.' }),
    instance: Type.String(),
    code: Type.String({ description: 'Stable: what a program switches on.' }),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer (RFC 6901) of the value that is wrong.' })),
    errors: Type.Optional(
      Type.Array(Fault, {
        description: 'Where several values are wrong: each of them, at most 10. detail has all sentences.'
      })
    ),
    index: Type.Optional(Type.Integer({ description: 'In a batch: which event is wrong, from 0.' })),
    stream_key: Type.Optional(Type.String({ description: 'Of a version_conflict: the key.' })),
    expected_version: Type.Optional(Type.Integer({ description: 'Of a version_conflict: what was expected of it.' })),
    actual_version: Type.Optional(Type.Integer({ description: 'Of a version_conflict: what it has.' })),
    conflicts: Type.Optional(
      Type.Array(Type.Integer(), {
        description: 'Of an event_id_conflict in a batch: the indexes of its events, from 0. All others are in the log.'
      })
    )
  },
  { title: 'Problem', description: 'What went wrong (RFC 9457).' }
)
export type Problem = Static<typeof Problem>
