import { EventSystemError, type Log, silentLogger } from '@tradpal/event-system'
import { FakeClock, waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Audit } from '../../src/audit/index.ts'
import { ALICE, AS_PRINCIPAL, LOGS, newAudit, newAuditLog } from './support.ts'

const refusal = (route: string, requestId: string) => {
  return { action: 'request.refused', code: 'forbidden', what: { method: 'POST', route }, requestId } as const
}

/** A handle in which some members are others. */
function replaced<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(name in members ? members : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/** 10,000 refusals at an endpoint. */
function flood(audit: Audit, route = '/events'): void {
  for (let i = 0; i < 10_000; i++) audit.refused(ALICE, refusal(route, `request-${i}`))
}

describe.each(LOGS)('what is gathered, over %s', (kind) => {
  async function gathering() {
    const clock = new FakeClock()
    const log = await newAuditLog(kind)
    const audit = await newAudit(log, clock)
    const entries = async () => (await log.texts()).map((text) => JSON.parse(text))
    return { clock, audit, entries }
  }

  test('a flood of 10,000 refusals is six entries a minute, which say how many', async () => {
    const { clock, audit, entries } = await gathering()
    flood(audit)
    await audit.flush()
    expect((await entries()).map(({ requestId, what }) => [requestId, what])).toEqual(
      [0, 1, 2, 3, 4].map((i) => [`request-${i}`, { method: 'POST', route: '/events' }])
    )
    const began = clock.now()
    await clock.advance(59_000)
    flood(audit)
    await audit.flush()
    expect(await entries()).toHaveLength(5)
    await clock.advance(1_000)
    await audit.flush()
    expect((await entries()).slice(5)).toMatchObject([
      {
        principal: 'alice',
        code: 'forbidden',
        what: { method: 'POST', route: '/events', further: 19_995, from: began, to: began + 59_000 }
      }
    ])
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 6 })
  })

  test('refusals of ever new kinds are counted together', async () => {
    const { audit, entries } = await gathering()
    for (let i = 0; i < 5_000; i++)
      audit.refused({ ...ALICE, principal: `name-${i}` }, refusal('/events', `request-${i}`))
    await audit.flush({ all: true })
    expect(await entries()).toHaveLength(1_001)
    expect((await entries()).at(-1)).toMatchObject({ principal: 'others', what: { further: 4_000 } })
  })

  test('publishes that failed are one entry by principal and code, with their types', async () => {
    const { audit, entries } = await gathering()
    const failed = (code: string) =>
      audit.published(AS_PRINCIPAL, { eventTypes: ['risk_alert', 'risk_alert'], outcome: 'failed', code })
    failed('log_unavailable')
    failed('log_unavailable')
    failed('log_timeout')
    await audit.flush()
    const told = (await entries()).map(({ action, principal, outcome, code, what }) => [
      `${action} ${principal} ${outcome} ${code}`,
      what
    ])
    expect(told).toEqual([
      ['events.published alice failed log_unavailable', { requests: 2, events: 4, by_type: { risk_alert: 4 } }],
      ['events.published alice failed log_timeout', { requests: 1, events: 2, by_type: { risk_alert: 2 } }]
    ])
  })

  test('of what is refused and what is ended each has a count of its own', async () => {
    const { audit, entries } = await gathering()
    for (let i = 0; i < 7; i++) {
      audit.refused(ALICE, refusal('/events/stream', `request-${i}`))
      audit.refused(ALICE, { ...refusal('/events/stream', `answer-${i}`), action: 'answer.ended' })
    }
    await audit.flush({ all: true })
    const further = (await entries()).filter(({ what }) => what.further !== undefined)
    expect(further.map(({ action, what }) => [action, what.further])).toEqual([
      ['request.refused', 2],
      ['answer.ended', 2]
    ])
  })

  test('publishes are one entry by principal and outcome, with their types, first and last', async () => {
    const { audit, entries } = await gathering()
    for (let i = 1; i <= 1_000; i++) {
      audit.published(AS_PRINCIPAL, {
        eventTypes: ['risk_alert', 'system_health'],
        outcome: 'done',
        first: `${i}-0`,
        last: `${i}-1`
      })
    }
    audit.published(AS_PRINCIPAL, {
      eventTypes: ['risk_alert'],
      outcome: 'spooled',
      first: 'spool:1-0',
      last: 'spool:1-0'
    })
    await audit.flush()
    expect((await entries()).map(({ outcome, what }) => [outcome, what])).toEqual([
      [
        'done',
        {
          requests: 1_000,
          events: 2_000,
          by_type: { risk_alert: 1_000, system_health: 1_000 },
          first: '1-0',
          last: '1000-1'
        }
      ],
      ['spooled', { requests: 1, events: 1, by_type: { risk_alert: 1 }, first: 'spool:1-0', last: 'spool:1-0' }]
    ])
    await audit.flush()
    expect(await entries()).toHaveLength(2)
  })

  test('it is written each second, and at the end without waiting', async () => {
    const { clock, audit, entries } = await gathering()
    await audit.start()
    audit.published(AS_PRINCIPAL, { eventTypes: ['risk_alert'], outcome: 'done', first: '1-0', last: '1-0' })
    await clock.advance(1_000)
    await expect.poll(entries).toHaveLength(1)
    flood(audit)
    await audit.close()
    expect(await entries()).toHaveLength(7)
  })

  test('what the log did not answer for is written once, and what came meanwhile behind it', async () => {
    const clock = new FakeClock()
    const log = await newAuditLog(kind)
    const real = await log.open()
    let isSilent = true
    const append: Log['append'] = async (...given) => {
      const results = await real.log.append(...given)
      if (isSilent) throw new EventSystemError('log_timeout', 'It did not answer.')
      return results
    }
    const silent = replaced(real, { log: replaced(real.log, { append }) })
    const audit = new Audit({ storage: silent, clock, logger: silentLogger })
    const publishing = { eventTypes: ['risk_alert'], outcome: 'done', first: '1-0', last: '1-0' } as const
    audit.published(AS_PRINCIPAL, publishing)
    await expect(audit.flush()).rejects.toMatchObject({ code: 'log_timeout' })
    audit.published(AS_PRINCIPAL, publishing)
    await expect(audit.flush()).rejects.toMatchObject({ code: 'log_timeout' })
    isSilent = false
    await audit.flush()
    expect((await log.texts()).map((text) => JSON.parse(text).what.events)).toEqual([1, 1])
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 2 })
  })

  test('old entries go once an hour, and the head is told then, for whoever keeps the logs elsewhere', async () => {
    const clock = new FakeClock(Date.now())
    const told = vi.fn()
    const logger = { ...silentLogger, info: told }
    const log = await newAuditLog(kind)
    const audit = new Audit({ storage: await log.open(), clock, logger, retentionMs: 1_000 })
    await audit.start()
    onTestFinished(() => audit.close())
    for (let i = 0; i < 3; i++) {
      const now = Date.now()
      await waitFor(() => Date.now() > now)
      await audit.perform('groups.moved', ALICE, { group: 'desk' }, async () => {})
    }
    await clock.advance(3_600_000)
    await waitFor(() => told.mock.calls.length > 0)
    const entries = (await log.texts()).map((text) => JSON.parse(text))
    expect(entries[0].seq).toBeGreaterThan(1)
    expect(entries.at(-1)).toMatchObject({ seq: 7, action: 'audit.trimmed' })
    expect(told).toHaveBeenCalledWith({ seq: 7, hash: entries.at(-1).hash }, 'the head of the audit log')
  })
})

test('a log that answers nothing does not keep a service from stopping', async () => {
  const log = await newAuditLog('sqlite')
  const real = await log.open()
  const silent = replaced(real, { log: replaced(real.log, { append: () => new Promise(() => {}) }) })
  const told = vi.fn()
  const audit = new Audit({ storage: silent, clock: new FakeClock(), logger: { ...silentLogger, error: told } })
  await audit.start()
  flood(audit)
  const began = performance.now()
  await audit.close()
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(told).toHaveBeenCalledWith(
    { err: expect.any(Error) },
    expect.stringMatching(/could not be written, and is lost$/)
  )
})
