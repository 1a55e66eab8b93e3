import { DatabaseSync } from 'node:sqlite'

/** An order that the desk took. */
export interface Order {
  readonly number: number
  readonly symbol: string
  readonly quantity: number
  readonly price: number
}

/** What the account has at the start: enough for all orders but the large ones. */
const CASH = 700_000
const LARGE = 10_000
const SYMBOLS = ['AAPL', 'MSFT', 'IBM'] as const

/** The orders come in this sequence, every fifth a large one, whoever asks, so that a desk that starts again goes on with the next. */
export function orderOf(number: number): Order {
  return {
    number,
    symbol: SYMBOLS[number % SYMBOLS.length] as string,
    quantity: number % 5 === 0 ? LARGE : 1 + ((number * 7) % 20),
    price: 100 + ((number * 13) % 90)
  }
}

/** The desk's own database. A balance below zero is refused by the database itself. */
export function openBooks(path: string): DatabaseSync {
  const books = new DatabaseSync(path, { timeout: 1_000 })
  books.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY CHECK (id = 1), cash INTEGER NOT NULL CHECK (cash >= 0)) STRICT;
    INSERT OR IGNORE INTO account VALUES (1, ${CASH});
    CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, quantity INTEGER NOT NULL, price INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS rejected (number INTEGER PRIMARY KEY) STRICT;`)
  return books
}

/** The next order to come. */
export function nextNumber(books: DatabaseSync): number {
  const sql = 'SELECT max(number) AS last FROM (SELECT number FROM orders UNION ALL SELECT number FROM rejected)'
  return 1 + Number(books.prepare(sql).get()?.last ?? 0)
}

/** The orders that were taken, and how many were not. */
export function readBooks(books: DatabaseSync): { orders: Order[]; rejected: number } {
  const orders = books.prepare('SELECT number, symbol, quantity, price FROM orders ORDER BY number').all()
  const rejected = Number(books.prepare('SELECT count(*) AS count FROM rejected').get()?.count)
  return { orders: orders.map((row) => ({ ...row }) as unknown as Order), rejected }
}
