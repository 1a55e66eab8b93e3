import {
  add,
  and,
  type Body,
  type Code,
  constant,
  get,
  isLess,
  load,
  repeat,
  set,
  shiftRight,
  shuffle,
  splat,
  store,
  swizzle,
  xor,
  zero
} from './wasm.ts'

export const BLOCK_BYTES = 16
/** So many sums are made at once: a vector has a byte of each. */
export const LANES = 16
/** So many values has half a byte, and so many bytes a table. */
const NIBBLES = 16

/** Where things stand in the memory: */
const TABLES = 0
const BYTES = TABLES + BLOCK_BYTES * tablesOf(1)
const SUMS = BYTES + BLOCK_BYTES * LANES
/** from here on the blocks. */
export const BLOCKS = SUMS + LANES * BLOCK_BYTES

/** The tables of so many bytes of a block: for each half of it and each byte of the product one. */
function tablesOf(bytes: number): number {
  return bytes * 2 * BLOCK_BYTES * NIBBLES
}

/** Of what half a byte of a block adds to a byte of the product. */
export function tableAt(byte: number, half: 'high' | 'low', ofProduct: number): number {
  return TABLES + tablesOf(byte) + (ofProduct * 2 + (half === 'high' ? 0 : 1)) * NIBBLES
}

export function sumAt(lane: number): number {
  return SUMS + lane * BLOCK_BYTES
}

const AT = 0
const STRIDE = 1
const END = 2
const LANE = 3
const BYTE = 4
const TABLE = 5
const vectorsFrom = (local: number) => Array.from({ length: LANES }, (_, i) => local + i)
/** One for each byte of a block. */
const SUM = vectorsFrom(6)
const BLOCK = vectorsFrom(22)
const ASIDE = vectorsFrom(38)
const HIGH = 54
const LOW = 55

/**
 * `run(first, stride, end)`, in addresses: adds the blocks from `first` to `end` for the first lane, for each other one those that stand
 * `stride` behind those of the one before, and leaves the sums where {@link sumAt} says.
 *
 * Looking up 16 nibbles in a table of 16 bytes is one instruction (`pshufb`, `tbl`), so that neither its time nor the cache tells of what is
 * looked up: M. Hamburg, Accelerating AES with Vector Permute Instructions, 2009.
 */
export function ghashCode(): Body {
  return {
    parameters: 3,
    numbers: 3,
    vectors: 50,
    code: [
      clear(SUM),
      repeat(
        [loadBlocks(), transpose(BLOCK), storeWithSums(), multiply(), move(AT, BLOCK_BYTES)],
        isLess(AT, get(END))
      ),
      transpose(SUM),
      SUM.map((sum, lane) => [constant(sumAt(lane)), get(sum), store(0)])
    ]
  }
}

function clear(vectors: readonly number[]): Code {
  return vectors.map((vector) => [zero, set(vector)])
}

function move(address: number, by: number): Code {
  return [get(address), constant(by), add, set(address)]
}

/** One of each lane. */
function loadBlocks(): Code {
  const next = [get(LANE), get(STRIDE), add, set(LANE)]
  return [get(AT), set(LANE), BLOCK.map((block) => [get(LANE), load(0), set(block), next])]
}

/** A byte of each instead of all bytes of one, and back: four times the first half is riffled into the second, like cards. */
function transpose(rows: readonly number[]): Code {
  return [riffle(rows, ASIDE), riffle(ASIDE, rows), riffle(rows, ASIDE), riffle(ASIDE, rows)]
}

function riffle(from: readonly number[], to: readonly number[]): Code {
  const half = LANES / 2
  const cards = Array.from({ length: half }, (_, i) => [i, BLOCK_BYTES + i]).flat()
  return to.map((vector, i) => {
    const first = Math.floor(i / 2)
    const places = cards.map((card) => card + (i % 2) * half)
    return [get(from[first] as number), get(from[first + half] as number), shuffle(places), set(vector)]
  })
}

function storeWithSums(): Code {
  return BLOCK.map((block, i) => [constant(BYTES + i * LANES), get(block), get(SUM[i] as number), xor, store(0)])
}

/** What is stored, by the hash key. */
function multiply(): Code {
  const halves = [
    [get(BYTE), load(BYTES), constant(4), shiftRight, set(HIGH)],
    [get(BYTE), load(BYTES), constant(0x0f), splat, and, set(LOW)]
  ]
  const products = SUM.map((sum, i) => [
    [lookUp(HIGH, tableAt(0, 'high', i)), lookUp(LOW, tableAt(0, 'low', i)), xor],
    [get(sum), xor, set(sum)]
  ])
  return [
    [constant(0), set(BYTE), constant(0), set(TABLE), clear(SUM)],
    repeat([halves, products, move(BYTE, LANES), move(TABLE, tablesOf(1))], isLess(BYTE, constant(BLOCK_BYTES * LANES)))
  ]
}

function lookUp(nibbles: number, table: number): Code {
  return [get(TABLE), load(table), get(nibbles), swizzle]
}
