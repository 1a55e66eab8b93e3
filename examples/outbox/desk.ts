import type { DatabaseSync } from 'node:sqlite'
import { createEvent, EventSystem, EventType } from '@tradpal/event-system'
import { Outbox, type SqliteDatabase, sqliteOutbox } from '@tradpal/event-system/outbox'
import { nextNumber, type Order, openBooks, orderOf } from './books.ts'

/** The order desk, a process of its own: `desk.ts <its database> <the log> <the last order>`. It tells its parent each order that it is done with. */
const [path = '', logPath = '', last = ''] = process.argv.slice(2)

const books = openBooks(path)
await using system = new EventSystem({ logPath })
await system.initialize()
await using outbox = new Outbox({ store: sqliteOutbox(books), publisher: system, pollMs: 5, leaseMs: 200 })
await outbox.createTable()
await outbox.start()

for (let number = nextNumber(books); number <= Number(last); number++) {
  if (!take(books, outbox, orderOf(number))) books.prepare('INSERT INTO rejected VALUES (?)').run(number)
  outbox.wake()
  process.send?.(number)
  await new Promise((resolve) => setTimeout(resolve, 2))
}
while ((await outbox.stats()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10))
process.disconnect?.()

/** The order, its event and the payment are one transaction: all of them, or none when the cash does not last. */
function take(
  books: DatabaseSync,
  outbox: Outbox<SqliteDatabase, void>,
  { number, symbol, quantity, price }: Order
): boolean {
  const data = { symbol, side: 'BUY', quantity, price } as const
  books.exec('BEGIN IMMEDIATE')
  try {
    books.prepare('INSERT INTO orders VALUES (?, ?, ?, ?)').run(number, symbol, quantity, price)
    const event = createEvent(EventType.ORDER_EXECUTED, data, { eventId: `order-${number}`, source: 'order_desk' })
    outbox.enqueue(books, event)
    books.prepare('UPDATE account SET cash = cash - ?').run(quantity * price)
    books.exec('COMMIT')
    return true
  } catch (error) {
    books.exec('ROLLBACK')
    if (/constraint/i.test(String(error))) return false
    throw error
  }
}
