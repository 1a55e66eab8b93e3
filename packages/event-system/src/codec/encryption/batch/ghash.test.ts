import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, Ghash, LANES } from './ghash.ts'

const ghash = new Ghash(1_000)

/** Those of messages that have as many blocks each, which stand from a block on. */
function hashesOf(hashKey: string, messages: readonly string[], first = 0): string[] {
  const all = Buffer.from(messages.join(''), 'hex')
  ghash.blocks.set(all, first * BLOCK_BYTES)
  ghash.setHashKey(Buffer.from(hashKey, 'hex'))
  const sums = Buffer.from(Int32Array.from(ghash.sums(first, all.length / messages.length / BLOCK_BYTES)).buffer)
  return messages.map((_, lane) => sums.toString('hex', lane * BLOCK_BYTES, (lane + 1) * BLOCK_BYTES))
}

/** Test cases 2, 4 and 16 of McGrew and Viega, The Galois/Counter Mode of Operation (GCM), appendix B. */
const ONE_BLOCK = {
  hashKey: '66e94bd4ef8a2c3b884cfa59ca342b2e',
  blocks: '0388dace60b6a392f328c2b971b2fe7800000000000000000000000000000080',
  hash: 'f38cbb1ad69223dcc3457ae5b6b0f885'
}
const NO_WHOLE_BLOCKS = {
  hashKey: 'b83b533708bf535d0aa6e52980d53b78',
  blocks:
    'feedfacedeadbeeffeedfacedeadbeefabaddad200000000000000000000000042831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0910000000000000000000000a000000000000001e0',
  hash: '698e57f70e6ecc7fd9463b7260a9ae5f'
}
const LONG_KEY = {
  hashKey: 'acbef20579b4b8ebce889bac8732dad7',
  blocks:
    'feedfacedeadbeeffeedfacedeadbeefabaddad2000000000000000000000000522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f6620000000000000000000000a000000000000001e0',
  hash: '8bd0c4d8aacd391e67cca447e8c38f65'
}

describe('GHASH', () => {
  it.each([
    ['one block', ONE_BLOCK],
    ['what is authenticated and what is encrypted, neither of whole blocks', NO_WHOLE_BLOCKS],
    ['a key of 256 bits', LONG_KEY]
  ])('is what its authors say of %s, in each lane', (_, { hashKey, blocks, hash }) => {
    expect(hashesOf(hashKey, Array(LANES).fill(blocks))).toEqual(Array(LANES).fill(hash))
  })

  it('is of each message that of its own blocks, wherever they stand and with zeros before them', () => {
    const { hashKey, blocks, hash } = ONE_BLOCK
    const block = 2 * BLOCK_BYTES
    const one = '0'.repeat(block) + blocks
    const other = blocks + blocks.slice(0, block)
    const [hashOfOther] = hashesOf(hashKey, [other])
    expect(hashOfOther).not.toBe(hash)
    for (let lane = 0; lane < LANES; lane++) {
      const messages = Array.from({ length: LANES }, (_, i) => (i === lane ? one : other))
      expect(hashesOf(hashKey, messages, lane)).toEqual(messages.map((it) => (it === one ? hash : hashOfOther)))
    }
  })
})
