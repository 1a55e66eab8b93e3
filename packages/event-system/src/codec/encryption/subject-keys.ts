import { createSecretKey, randomBytes } from 'node:crypto'
import { EventSystemError } from '@tradpal/events'
import type { Documents } from '../../log/index.ts'
import { DerivedKeys } from './derived-keys.ts'
import { type KeySource, Sealer, type SubjectSource } from './sealer.ts'
import { openKey, parseSubjectRecord, toKeyRecord } from './subject-record.ts'

/** By the ids of subjects, their keys or what is left of them. */
export const SUBJECT_KEYS = 'subject-keys'
/** By the ids of subjects, when they were shredded: its revision says whether any was since one last looked. */
export const SHREDDED_SUBJECTS = 'shredded-subjects'

const KEY_BYTES = 32
/** So many subjects are remembered at most, between two times that they are asked for. */
const MOST = 10_000

/** What is known of a subject: its record, undefined when there is none, and its key once it was needed. */
interface Known {
  readonly value: string | undefined
  keys?: DerivedKeys
}

/**
 * The keys of subjects, one for each, in the records of a log: made when the first event of a subject is published, and gone for
 * good when it is shredded. They are asked for before events are read or written, all that are wanted in one turn of the
 * event loop together: the log is asked once whether any was shredded since, and then for those that are not known here.
 */
export class SubjectKeys implements SubjectSource {
  /** Of the ring alone. */
  readonly #ring: Sealer
  readonly #known = new Map<string, Known>()
  readonly #missed = new Set<string>()
  #documents: Documents | undefined
  #shreddings = 0
  #next: Inquiry | undefined
  #asking: Promise<void> | undefined

  constructor(ring: KeySource) {
    this.#ring = new Sealer(ring)
  }

  /** Where the keys are kept. */
  attach(documents: Documents): void {
    this.#documents = documents
  }

  keysOf(id: string): DerivedKeys {
    const known = this.#known.get(id)
    if (known === undefined) {
      this.#missed.add(id)
      throw notAtHand()
    }
    if (known.keys !== undefined) return known.keys
    if (known.value === undefined) {
      const message = `There is no key ${id} of a subject in the log: the event was not encrypted for it.`
      throw new EventSystemError('decryption_failed', message)
    }
    const record = parseSubjectRecord(known.value)
    if ('shredded' in record) throw isShredded(record.shredded.at)
    known.keys = derived(openKey(id, record.key, this.#ring))
    return known.keys
  }

  /** Whether somebody needed a key that nobody had asked for: the next inquiry asks for it too. */
  get hasMissed(): boolean {
    return this.#missed.size > 0
  }

  /** Whether nobody has asked the log for it yet. */
  lacks(id: string): boolean {
    return !this.#known.has(id)
  }

  /** Resolves when what is known of these is how the log has it now. Rejects with what the log says, and `key_missing`. */
  lookUp(ids: Iterable<string>): Promise<void> {
    return this.#ask(ids, 'readers')
  }

  /** As {@link lookUp}; those that have no key get one. While the log is away, what is known will do: nobody can shred there. */
  async provide(ids: readonly string[]): Promise<void> {
    try {
      await this.#ask(ids, 'writers')
    } catch (error) {
      if (ids.some((id) => this.#known.get(id)?.value === undefined)) throw error
    }
  }

  #ask(ids: Iterable<string>, who: 'readers' | 'writers'): Promise<void> {
    this.#next ??= { readers: new Set(), writers: new Set(), answer: Promise.withResolvers() }
    const { [who]: wanted, answer } = this.#next
    for (const id of ids) wanted.add(id)
    this.#asking ??= this.#askOn()
    return answer.promise
  }

  /** One inquiry at a time: what an earlier one learnt never comes after what a later one did. */
  async #askOn(): Promise<void> {
    while (this.#next !== undefined) {
      // Those who were answered last go on before anything is forgotten.
      await new Promise((resolve) => setImmediate(resolve))
      const inquiry = this.#next
      this.#next = undefined
      await this.#answer(inquiry).then(inquiry.answer.resolve, inquiry.answer.reject)
    }
    this.#asking = undefined
  }

  async #answer({ readers, writers }: Inquiry): Promise<void> {
    const documents = this.#mustHaveDocuments()
    this.#forgetOldest()
    const shreddings = await documents.revision(SHREDDED_SUBJECTS)
    if (shreddings !== this.#shreddings) this.#known.clear()
    this.#shreddings = shreddings
    const wanted = [...new Set([...readers, ...writers, ...this.#missed])]
    this.#missed.clear()
    const unknown = wanted.filter((id) => this.#known.get(id)?.value === undefined)
    await Promise.all(unknown.map((id) => this.#learn(documents, id, writers.has(id))))
  }

  async #learn(documents: Documents, id: string, isWritten: boolean): Promise<void> {
    const found = await documents.get(SUBJECT_KEYS, id)
    if (found !== undefined || !isWritten) {
      this.#known.set(id, { value: found?.value })
      return
    }
    const value = toKeyRecord(id, randomBytes(KEY_BYTES).toString('base64'), this.#ring)
    const isFirst = (await documents.put(SUBJECT_KEYS, id, value, 0)) !== undefined
    // Of two who make one at once, both use that of the first.
    if (!isFirst) return this.#learn(documents, id, isWritten)
    this.#known.set(id, { value })
  }

  #forgetOldest(): void {
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MOST) return
      this.#known.delete(id)
    }
  }

  #mustHaveDocuments(): Documents {
    if (this.#documents !== undefined) return this.#documents
    throw new EventSystemError('key_missing', 'The keys of subjects stand in a log, and there is none here.')
  }
}

interface Inquiry {
  readonly readers: Set<string>
  readonly writers: Set<string>
  readonly answer: PromiseWithResolvers<void>
}

function isShredded(at: number): EventSystemError {
  const message = `The key of the subject was destroyed on ${new Date(at).toISOString()}: its events are gone for good, and no more are published.`
  return new EventSystemError('shredded', message)
}

function notAtHand(): EventSystemError {
  return new EventSystemError('key_missing', 'The key of the subject of the event has yet to be read from the log.')
}

function derived(key: string): DerivedKeys {
  return new DerivedKeys(createSecretKey(Buffer.from(key, 'base64')))
}
