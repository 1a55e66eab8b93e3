/**
 * The few instructions of WebAssembly that are needed here, and the module around a function of them (WebAssembly Core Specification
 * 2.0, chapter 5; relaxed SIMD proposal, phase 4).
 */
export type Code = readonly (number | Code)[]

const I32 = 0x7f
const V128 = 0x7b
const EMPTY = 0x40
const PAGE_BYTES = 65_536
const BYTES_OF_V128 = 16
const ALIGNED_BY_16 = 4
const HEAD = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const SECTION = { types: 1, functions: 3, memories: 5, exports: 7, code: 10 } as const

export const get = (local: number): Code => [0x20, unsigned(local)]
export const set = (local: number): Code => [0x21, unsigned(local)]
export const constant = (value: number): Code => [0x41, signed(value)]
export const add: Code = [0x6a]
export const isLess = (local: number, than: Code): Code => [get(local), than, 0x49]
/** Does it once, and again as long as `again` is not 0. */
export const repeat = (body: Code, again: Code): Code => [0x03, EMPTY, body, again, 0x0d, 0x00, 0x0b]

const simd = (operation: number): Code => [0xfd, unsigned(operation)]
/** From the address on the stack, or so many bytes behind it. */
export const load = (behind: number): Code => [simd(0x00), ALIGNED_BY_16, unsigned(behind)]
export const store = (behind: number): Code => [simd(0x0b), ALIGNED_BY_16, unsigned(behind)]
export const zero: Code = [simd(0x0c), Array<number>(BYTES_OF_V128).fill(0)]
/** The bytes of two vectors at these places: from 16 on they are the second's. */
export const shuffle = (places: readonly number[]): Code => [simd(0x0d), places]
export const splat: Code = simd(0x0f)
export const and: Code = simd(0x4e)
export const xor: Code = simd(0x51)
/** Of each byte. */
export const shiftRight: Code = simd(0x6d)
/** The bytes of the first vector at the places that are the bytes of the second, each of them less than 16. */
export const swizzle: Code = simd(0x100)

export interface Body {
  /** All of them numbers of 32 bits. The locals stand behind them: numbers, then vectors. */
  readonly parameters: number
  readonly numbers: number
  readonly vectors: number
  readonly code: Code
}

export interface Instance {
  readonly memory: ArrayBuffer
  run(...parameters: number[]): void
}

/** What of the JavaScript API is needed: TypeScript has it for browsers alone. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object
  ) => {
    readonly exports: { readonly run: Instance['run']; readonly memory: { readonly buffer: ArrayBuffer } }
  }
}

/** Runs a function over a memory of so many bytes at least. Throws where the process or the processor cannot. */
export function instanceOf(body: Body, memoryBytes: number): Instance {
  const bytes = moduleOf(body, Math.ceil(memoryBytes / PAGE_BYTES))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)))
  return { memory: exports.memory.buffer, run: exports.run }
}

function moduleOf({ parameters, numbers, vectors, code }: Body, pages: number): number[] {
  const locals = list([
    [unsigned(numbers), I32],
    [unsigned(vectors), V128]
  ])
  return bytesOf([
    HEAD,
    section(SECTION.types, [[0x60, list(Array<Code>(parameters).fill([I32])), list([])]]),
    section(SECTION.functions, [[0]]),
    section(SECTION.memories, [[0x00, unsigned(pages)]]),
    section(SECTION.exports, [
      [name('run'), 0x00, 0],
      [name('memory'), 0x02, 0]
    ]),
    section(SECTION.code, [sized([locals, code, 0x0b])])
  ])
}

function section(id: number, items: readonly Code[]): Code {
  return [id, sized(list(items))]
}

function name(ascii: string): Code {
  return sized([...Buffer.from(ascii)])
}

function list(items: readonly Code[]): Code {
  return [unsigned(items.length), items]
}

function sized(code: Code): Code {
  const bytes = bytesOf(code)
  return [unsigned(bytes.length), bytes]
}

function bytesOf(code: Code): number[] {
  return (code as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as number[]
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)]
}

function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, signed(value >> 7)]
}
