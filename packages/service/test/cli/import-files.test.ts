import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { StoredEvent } from '@tradpal/event-system'
import { describe, expect, test } from 'vitest'
import { runCommand, temporaryFolder } from './support/command.ts'
import { type CommandTarget, sqliteTarget } from './support/targets.ts'

const FILES = fileURLToPath(new URL('files', import.meta.url))

async function eventsOf(target: CommandTarget): Promise<StoredEvent[]> {
  await using system = await target.openSystem()
  return await Array.fromAsync(system.readEvents({ raw: true }))
}

const saidBy = (events: readonly StoredEvent[]) =>
  events.map(({ eventType, timestamp, source, data }) => ({ eventType, timestamp, source, data }))

interface Sample {
  readonly file: string
  readonly options: readonly string[]
  readonly source: string
  readonly first: readonly [timestamp: string, data: object]
  readonly last: readonly [timestamp: string, data: object]
  readonly count: number
}

const SAMPLES: readonly Sample[] = [
  {
    file: 'BTCUSDT-1m-2024-01.csv',
    options: ['--symbol', 'BTC/USDT'],
    source: 'binance',
    count: 3,
    first: [
      '2024-01-01T00:00:00.000+00:00',
      {
        ...{ symbol: 'BTC/USDT', open: 42283.58, high: 42298.62, low: 42261.02, close: 42298.61, price: 42298.61 },
        ...{ volume: 35.92724, close_time: 1704067259999, quote_volume: 1519032.7714996, trades: 1327 },
        ...{ taker_buy_volume: 23.18766, taker_buy_quote_volume: 980394.1121863 }
      }
    ],
    last: ['2024-01-01T00:02:00.000+00:00', { close: 42325.5 }]
  },
  {
    file: 'BTCUSDT-1m-2025-01.csv',
    options: ['--symbol', 'BTC/USDT'],
    source: 'binance',
    count: 2,
    first: ['2025-01-01T00:00:00.000+00:00', { close_time: 1735689659999999 }],
    last: ['2025-01-01T00:01:00.000+00:00', { price: 93652 }]
  },
  {
    file: 'XBTUSD_60.csv',
    options: ['--symbol', 'XBT/USD'],
    source: 'kraken',
    count: 3,
    first: ['2013-10-06T21:40:00.000+00:00', { open: 122, trades: 1 }],
    last: ['2013-10-08T03:00:00.000+00:00', { volume: 3.991600403 }]
  },
  {
    file: 'AAPL.csv',
    options: ['--symbol', 'AAPL'],
    source: 'yahoo',
    count: 3,
    first: ['2024-01-02T00:00:00.000+00:00', { open: 187.149994, adj_close: 184.938217, volume: 82488700 }],
    last: ['2024-01-05T00:00:00.000+00:00', { close: 181.179993, price: 181.179993 }]
  },
  {
    file: 'german.csv',
    options: [
      ...['--map', 'timestamp=Zeit,symbol=Symbol,price=Kurs,volume=Menge'],
      ...['--time-format', '%d.%m.%Y %H:%M:%S', '--time-zone', 'Europe/Berlin']
    ],
    source: 'csv',
    count: 2,
    first: ['2024-01-02T08:00:00.000+00:00', { symbol: 'SAP', price: 139.48, volume: 120 }],
    last: ['2024-01-02T08:00:01.000+00:00', { price: 139.5 }]
  },
  {
    file: 'trades.tsv',
    options: ['--map', 'timestamp=ts,symbol=ticker,price=last,order_ref=order,note=note'],
    source: 'csv',
    count: 2,
    first: ['2024-01-02T14:30:00.123456+00:00', { symbol: 'MSFT', price: 373.86, order_ref: '000123' }],
    last: ['2024-01-02T14:30:01.500+00:00', { order_ref: '10996216051743211', note: '73928e03' }]
  }
]

describe('a file of a well-known source', () => {
  test.each(SAMPLES)('$file is imported as it stands', async ({ file, options, source, count, first, last }) => {
    await using target = await sqliteTarget()
    const { code, stderr } = await runCommand(['import', join(FILES, file), ...options, ...target.options])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const events = saidBy(await eventsOf(target))
    expect(events).toHaveLength(count)
    for (const [event, [timestamp, data]] of [[events[0], first] as const, [events.at(-1), last] as const]) {
      expect(event).toMatchObject({ eventType: 'market_data_update', source, timestamp, data })
    }
  })

  test('each sample is imported by a test', async () => {
    const wrong = ['BTCUSDT-1m-two-units.csv']
    expect((await readdir(FILES)).toSorted()).toEqual([...SAMPLES.map(({ file }) => file), ...wrong].toSorted())
  })
})

describe('a CSV', () => {
  const imported = async (text: string | Uint8Array, ...options: string[]) => {
    await using target = await sqliteTarget()
    const path = join(await temporaryFolder(), 'file.csv')
    await writeFile(path, text)
    const { code, stderr } = await runCommand(['import', path, ...options, ...target.options])
    return { code, stderr, data: (await eventsOf(target)).map(({ data }) => data) }
  }

  test.each<[what: string, column: string, values: readonly unknown[], cells: readonly string[]]>([
    ['integers of any size', 'id', [10996216051743211n, 1], ['10996216051743211', '1']],
    ['leading zeros', 'id', ['000123', '5'], ['000123', '5']],
    ['an id that looks like an exponent', 'id', ['73928e03', '5'], ['73928e03', '5']],
    [
      'more digits than a number keeps',
      'rate',
      ['94321.123456789012345678', '1.5'],
      ['94321.123456789012345678', '1.5']
    ],
    ['prices with trailing zeros', 'rate', [42283.58, 1], ['42283.58000000', '1.0']]
  ])('keeps %s, with one kind for the column', async (_, column, values, cells) => {
    const rows = cells.map((cell) => `2024-01-02,X,${cell}\n`).join('')
    const { code, data } = await imported(`timestamp,symbol,${column}\n${rows}`)
    expect(code).toBe(0)
    expect(data.map((one) => (one as Record<string, unknown>)[column])).toEqual(values)
  })

  test('keeps a column text with --text, and the digits that a timestamp does not keep in the data', async () => {
    const text = 'timestamp,symbol,account\n1700000000123456789,X,17\n'
    expect((await imported(text, '--text', 'account')).data).toEqual([
      { symbol: 'X', account: '17', timestamp: '1700000000123456789' }
    ])
  })

  test('takes names of columns for a file without a header, and passes over empty rows', async () => {
    const { data } = await imported('2024-01-02|X|5\n||\n', '--header', 'timestamp,symbol,price', '--delimiter', '|')
    expect(data).toEqual([{ symbol: 'X', price: 5 }])
  })

  const X = ['--symbol', 'X']
  test.each<[what: string, text: string, options: string[], sentence: RegExp]>([
    ['a column that is not there', 'a,b\n1,2\n', ['--map', 'symbol=Ticker'], /no column "Ticker"; it has a, b/],
    [
      'a text where a number belongs',
      'timestamp,price\n2024-01-02,"1,234"\n',
      X,
      /^error: Line 2, column price: "1,234" is no number/
    ],
    [
      'a price that no number keeps',
      'timestamp,price\n2024-01-02,94321.123456789012345678\n',
      X,
      /^error: Line 2, column price: 94321.123456789012345678 cannot be kept exactly as a number.*--map/
    ],
    [
      'a price beyond numbers',
      'timestamp,price\n2024-01-02,1E400\n',
      X,
      /^error: Line 2, column price: 1E400 cannot be kept/
    ],
    [
      'a guarded field that is wrong',
      'timestamp,symbol,signal\n2024-01-02,X,MAYBE\n',
      ['--type', 'trading_signal'],
      /^error: Line 2, column signal: data\.signal .*MAYBE/
    ],
    ['a date that is not clear', 'timestamp\n01/02/2000\n', X, /^error: Line 2, column timestamp: .*--time-format/],
    ['a day that is not there', 'timestamp\n"Feb 30, 2019"\n', X, /does not exist/],
    ['an empty time', 'timestamp,price\n,5\n', X, /^error: Line 2, column timestamp is empty.*--skip-invalid/],
    [
      'no time at all',
      'symbol,price\nX,5\n',
      [],
      /No column .* is the time of the events: give --map timestamp=COLUMN/
    ],
    ['no symbol', 'timestamp,price\n2024-01-02,5\n', [], /No column .* is the symbol: give --symbol/],
    ['a short row', 'timestamp,price\n2024-01-02\n', X, /^error: Line 2: The row has 1 cells and the header 2/],
    [
      'two columns of one name',
      'timestamp,Total,Total\n2024-01-02,1,2\n',
      X,
      /two columns "Total", the 2nd and the 3rd/
    ],
    ['no header', '2024-01-02,5\n', X, /looks like a value: for a file without a header give --preset or --header/],
    ['a column without a name', ',timestamp\n0,2024-01-02\n', X, /no name for the 1st column/],
    [
      'a quotation mark that nothing closes',
      'timestamp,price\n2024-01-01,1\n"2024,1\n2024-01-03,1\n',
      X,
      /is no CSV .*: the row that begins in line 3 opens a quotation mark that nothing closes/
    ],
    [
      'a quotation mark inside of a cell',
      'timestamp,price,note\n2024-01-01,1,5" disk\n',
      X,
      /line 2 has a quotation mark inside of a cell/
    ],
    [
      'text behind a quotation mark',
      'timestamp,price,note\n2024-01-01,1,"x" y\n',
      X,
      /line 2 has text behind the quotation mark/
    ],
    [
      'a line above the header',
      'https://www.CryptoDataDownload.com\nunix,symbol,price\n1704067200,X,1\n',
      ['--map', 'timestamp=unix,symbol=symbol,price=price'],
      /first line of .* has 1 cell and the next have 3: .* tail -n \+2 FILE \| tradpal-events import -/
    ],
    [
      'a line for a spreadsheet above the header',
      'sep=;\r\ntimestamp;price;volume\r\n2024-01-01;1;2\r\n',
      X,
      /has 2 cells and the next have 3: remove what stands above the header/
    ],
    ['another separator', 'timestamp|price\n2024-01-01|1\n', X, /it has timestamp\|price alone: .*give --delimiter/],
    [
      'a field in capitals',
      'timestamp,Price\n2024-01-01,1\n',
      X,
      /The column Price .* is not the field price: rename it, or give --map price=Price/
    ],
    [
      'days beside times that nobody takes',
      '<DATE>\t<TIME>\t<CLOSE>\n2024.01.02\t00:01:00\t1.5\n',
      [...X, '--map', 'timestamp=<DATE>,price=<CLOSE>'],
      /Column <DATE> has days alone, and <TIME> may have the times: give --map timestamp=<DATE>\+<TIME>/
    ],
    [
      'an empty time beside its day',
      'day,time,price\n2024-01-02,,1.5\n',
      [...X, '--map', 'timestamp=day+time,price=price'],
      /^error: Line 2, column day\+time: "2024-01-02 " is no time/
    ],
    [
      'one field of two columns',
      'timestamp,a,b\n2024-01-01,1,2\n',
      [...X, '--map', 'timestamp=timestamp,price=a,price=b'],
      /names price twice/
    ],
    ['nothing', '', X, /is empty/],
    ['Latin-1', 'timestamp,note\n2024-01-02,caf\ufffd\n', X, /column note is not UTF-8/],
    ['a part of an event', 'timestamp,event_type,price\n2024-01-02,a,1\n', X, /event_type .* is a part of an event/]
  ])('is refused with %s, and nothing is imported', async (_, text, options, sentence) => {
    const { code, stderr, data } = await imported(text, ...options)
    expect(stderr).toMatch(sentence)
    expect({ code, data }).toEqual({ code: 2, data: [] })
  })

  test.each<[cell: string, help: string]>([
    ['1.234,56', 'write a point for the decimal comma, and no separators of thousands: 1234.56.'],
    ['-134,5', 'write a point for the decimal comma, and no separators of thousands: -134.5.'],
    ['1234,567', 'write a point for the decimal comma, and no separators of thousands: 1234.567.'],
    ['1,234', 'write it as 1234 if the comma separates thousands, or as 1.234 if it is a decimal comma.'],
    ['NaN', 'leave the cell empty where there is no value.'],
    ['#N/A', 'leave the cell empty where there is no value.'],
    ['-inf', 'JSON has no infinity; leave the cell empty, or pass over such rows with --skip-invalid.'],
    ['0x10', 'write a point for the decimal comma, no separators of thousands, and nothing where there is no value.'],
    ['1_000', 'write a point for the decimal comma, no separators of thousands, and nothing where there is no value.']
  ])('with a price of %s is refused, and the error says what would be right', async (cell, help) => {
    const { code, stderr } = await imported(`timestamp;price\n2024-01-02;${cell}\n`, ...X)
    expect(stderr).toBe(
      `error: Line 2, column price: "${cell}" is no number such as 1234.5, which price must be: ${help} (invalid_data)\n`
    )
    expect(code).toBe(2)
  })

  test.each<[what: string, text: string, options: string[], data: unknown]>([
    [
      'a time in two columns',
      '<DATE>\t<TIME>\t<CLOSE>\n2024.01.02\t00:01:00.1234567\t1.5\n',
      ['--map', 'timestamp=<DATE>+<TIME>,price=<CLOSE>'],
      { price: 1.5, timestamp: '2024.01.02 00:01:00.1234567' }
    ],
    [
      'a column whose name has a comma',
      '"Time, UTC",a+b\n2024-01-02,1.5\n',
      ['--map', 'timestamp=Time, UTC,price=a+b'],
      { price: 1.5 }
    ],
    ['lines that end in several ways', 'timestamp,price\r\n2024-01-02,1\n2024-01-02,1\r2024-01-02,1', [], { price: 1 }],
    [
      'rows of which detection sees no end in the first bytes',
      `timestamp,price,note\r${'2024-01-02,1,"word,;\n"\r'.replace('word', 'word '.repeat(70_000))}`,
      ['--text', 'note'],
      { price: 1, note: `${'word '.repeat(70_000)},;\n` }
    ],
    [
      'a header of 10,000 columns',
      `timestamp,price,${Array.from({ length: 10_000 }, (_, index) => `a_column_with_a_long_name_${index}`).join()}\n2024-01-02,1${',1'.repeat(10_000)}\n`,
      ['--map', 'timestamp=timestamp,last=a_column_with_a_long_name_9999'],
      { last: 1 }
    ]
  ])('is read with %s', async (_, text, options, expected) => {
    const { code, stderr, data } = await imported(text, ...X, ...options)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const one of data) expect(one).toEqual({ symbol: 'X', ...(expected as object) })
    expect(data.length).toBeGreaterThan(0)
  })

  test('with two units of time is refused with both lines', async () => {
    const path = join(FILES, 'BTCUSDT-1m-two-units.csv')
    const { code, stderr } = await runCommand(['import', path, ...X, '--log', join(await temporaryFolder(), 'a.db')])
    expect(stderr).toMatch(
      /^error: Line 2, column open_time: 1735689600000000 looks like us and 1704067200000 in line 1 like ms.*\n$/
    )
    expect(code).toBe(2)
  })

  test('names each of several wrong rows', async () => {
    const { stderr } = await imported('timestamp,price\n2024-01-02,a\n2024-01-03,1\nnever,2\n', ...X)
    expect(stderr).toMatch(/^error: Line 2, .*\nerror: Line 4, .*\nNothing was imported\.\n$/)
  })
})

describe('a file', () => {
  test('is read from gzip', async () => {
    await using target = await sqliteTarget()
    const path = join(await temporaryFolder(), 'prices.csv.gz')
    await writeFile(path, gzipSync('timestamp,symbol,price\n2024-01-02,X,1\n'))
    expect((await runCommand(['import', path, ...target.options])).stdout).toBe('1 event imported\n')
  })

  test.each([
    ['a broken gzip', gzipSync('timestamp,symbol\n'.repeat(1_000)).subarray(0, 40), /is no complete gzip file/],
    ['a zip', Buffer.from('504b030414000000', 'hex'), /is a zip archive .*: unpack it first, as in unzip -p/],
    ['gzip in gzip', gzipSync(gzipSync('timestamp,symbol\n')), /is packed with gzip twice: .* as in gzip -dc FILE/],
    [
      'text in UTF-16',
      Buffer.from('\ufefftimestamp,symbol\n', 'utf16le'),
      /is text in UTF-16: .* iconv -f UTF-16 -t UTF-8/
    ],
    ['text in UTF-16 without a mark', Buffer.from('timestamp,symbol\n', 'utf16le'), /iconv -f UTF-16LE -t UTF-8/],
    [
      'text in UTF-16 of the other order, in gzip',
      gzipSync(Buffer.from('timestamp,symbol\n', 'utf16le').swap16()),
      /iconv -f UTF-16BE -t UTF-8/
    ],
    ['zstd', Buffer.from('28b52ffd00000000', 'hex'), /is packed with zstd: unpack it first, as in zstd -dc/]
  ])('is refused when it is %s', async (_, bytes, sentence) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'prices.csv'), bytes)
    const { code, stderr } = await runCommand(['import', 'prices.csv', '--log', 'a.db'], { cwd: folder })
    expect(stderr).toMatch(sentence)
    expect(code).toBe(2)
  })
})

test('a gzip of several members is read to its end', async () => {
  await using target = await sqliteTarget()
  const path = join(await temporaryFolder(), 'prices.csv.gz')
  await writeFile(
    path,
    Buffer.concat(['timestamp,symbol,price\n2024-01-02,X,1\n', '2024-01-03,X,2\n'].map((part) => gzipSync(part)))
  )
  expect((await runCommand(['import', path, ...target.options])).stdout).toBe('2 events imported\n')
})

test('a folder is refused as one', async () => {
  const { code, stderr } = await runCommand(['import', '.', '--log', 'a.db'], { cwd: await temporaryFolder() })
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'error: . is a folder: give a file. (invalid_argument)\n' })
})

describe('--dry-run', () => {
  test('shows the plan, makes no log and publishes nothing', async () => {
    const folder = await temporaryFolder()
    const args = ['import', join(FILES, 'AAPL.csv'), '--symbol', 'AAPL', '--dry-run', '--log', 'new.db']
    const { code, stdout } = await runCommand(args, { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^CSV, preset: yahoo, delimiter: ,\n/)
    expect(stdout).toMatch(/Adj Close +adj_close +number/)
    expect(stdout).toContain('times: 2024-01-02T00:00:00.000+00:00 to 2024-01-05T00:00:00.000+00:00\n')
    expect(stdout).toContain('3 rows: 3 events to import, 0 already in the log, 1 empty row passed over\n')
    expect(await readdir(folder)).toEqual([])
  })

  test('says how many rows the log has, as a document for machines', async () => {
    await using target = await sqliteTarget()
    const path = join(await temporaryFolder(), 'prices.csv')
    await writeFile(path, 'timestamp,symbol,price\n2024-01-02,X,1\n2024-01-02,X,1\n')
    expect((await runCommand(['import', path, ...target.options])).code).toBe(0)
    await writeFile(path, `${await readFile(path, 'utf8')}2024-01-03,X,2\n`)
    const { stdout } = await runCommand(['import', path, '--dry-run', '--json', ...target.options])
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ status: 'planned', rows: 3, to_import: 1, already_in_log: 2, delimiter: ',', preset: null },
      columns: [
        { name: 'timestamp', field: 'timestamp', kind: 'time: date and time as text, in UTC where it has no offset' },
        { name: 'symbol', field: 'symbol', kind: 'text' },
        { name: 'price', field: 'price', kind: 'number' }
      ],
      first_events: [{ event_type: 'market_data_update', data: { symbol: 'X', price: 1 } }, {}, {}]
    })
    expect(await eventsOf(target)).toHaveLength(2)
  })
})
