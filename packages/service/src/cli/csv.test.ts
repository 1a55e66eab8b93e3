import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable } from '../terminal-text.ts'
import { type Cell, csvLine, textOfCell, valueOfCell } from './csv.ts'

const FORMULAS = ['=', '+', '-', '@', '＝', '＋', '－', '＠']
/** Texts in which what matters here is frequent. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...FORMULAS, '\t', '\r', '\n', '"', ',', ';', "'", ' ', '\u001b', '\u009b', '\u202e', '\ufffd'),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.float().map(String)
    ),
    { maxLength: 6 }
  )
  .map((parts) => parts.join(''))

/** The cells of a line, as the import reads them. */
function cellsOf(line: string): Cell[] {
  const cast = (cell: string, { quoting }: { quoting: boolean }): Cell => (quoting ? { quoted: cell } : cell)
  const [cells = []] = parse(line, { trim: true, relax_column_count: true, cast }) as unknown as Cell[][]
  return cells
}

/** The cells of a line, as a spreadsheet reads them: text behind a closing quotation mark belongs to the cell. */
function spreadsheetCells(line: string, separator: string): string[] {
  const cells: string[] = ['']
  let quoted = false
  let begun = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string
    if (quoted && character === '"' && line[at + 1] === '"') cells.push(`${cells.pop()}${line[++at]}`)
    else if (quoted && character === '"') quoted = false
    else if (!quoted && !begun && character === '"') quoted = true
    else if (!quoted && character === separator) cells.push('')
    else cells.push(`${cells.pop()}${character}`)
    begun = quoted || character !== separator
  }
  return cells
}

/** Whether a spreadsheet would run the cell. */
function isFormula(cell: string): boolean {
  return /^\s*[=+\-@＝＋－＠]/.test(cell) && !/^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(cell.trim())
}

describe('a line of CSV', () => {
  it.each(
    ['=cmd()', '+1+2', '-1+2', '@SUM(1)', '\t=cmd()', '\r=cmd()', ' =cmd()', '＝cmd()', '=1,2', '="a"'].map((one) => [
      one
    ])
  )('holds %j as a JSON string, which no spreadsheet runs', (formula) => {
    const [cell = ''] = cellsOf(csvLine([formula]))
    expect(textOfCell(cell)).toMatch(/^"/)
    expect(valueOfCell(cell)).toBe(formula)
  })

  it('leaves numbers and common texts as they are', () => {
    const values = [-5, 1e21, 2.5e-7, 10996216051743211n, '+0.5', 'BTC/USDT', 'a-b', 'x=1', 'me@example.com', true]
    expect(csvLine(values)).toBe(`${values.join(',')}\n`)
  })

  it('tells a text in quotation marks from the number, the word or the absence that it looks like', () => {
    const values = ['-5', -5, '', undefined, null, 'null', 'true', true, '000123', '1e5', '[1]']
    expect(csvLine(values)).toBe('"-5",-5,"",,null,"null","true",true,000123,"1e5","""[1]"""\n')
    expect(cellsOf(csvLine(values)).map(valueOfCell)).toEqual(values)
  })

  it('gives back each value as it was, whatever stands beside it', () => {
    const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt({ min: 2n ** 53n }))
    const json = fc.jsonValue().map((one) => JSON.parse(JSON.stringify(one)))
    const value = fc.oneof(
      text.filter((one) => one.isWellFormed()),
      number,
      json,
      fc.constantFrom(null, undefined)
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        // A first cell keeps the line from being an empty one.
        const [, ...cells] = cellsOf(csvLine(['first', ...values]))
        const read = cells.map(valueOfCell)
        expect(read).toEqual(values.map((one) => (one === 0 ? 0 : one)))
      }),
      { numRuns: 500 }
    )
  })

  it('is one line that steers no terminal and holds no formula, whichever character a spreadsheet takes as separator', () => {
    const value = fc.oneof(text, fc.dictionary(text, text), fc.array(text))
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        // As an export begins: with a column that is no number.
        const line = csvLine(['1796037600000-0', ...values])
        expect(printable(line.slice(0, -1))).toBe(line.slice(0, -1))
        for (const separator of [',', ';', '\t'])
          for (const cell of spreadsheetCells(line.slice(0, -1), separator))
            expect(isFormula(cell), `${cell} of ${line}`).toBe(false)
      }),
      { numRuns: 500 }
    )
  })

  it('holds an object as its JSON', () => {
    const object = { formula: '=cmd()', hidden: 'a;=cmd()', steering: '\u001b[2J', price: -1 }
    const [cell = ''] = cellsOf(csvLine([object]))
    expect(JSON.parse(textOfCell(cell))).toEqual(object)
  })
})

describe('a cell of another program', () => {
  it.each(['"', '"quoted" text', '"unfinished', '"bad \\x escape"', '{not json', '[1, 2'])(
    'is the text that it holds: %s',
    (cell) => {
      expect(valueOfCell(cell)).toBe(cell)
    }
  )
})
