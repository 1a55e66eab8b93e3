import { describe, expect, it } from 'vitest'
import { Ghash } from './ghash.ts'

/** The words of a little-endian machine. */
function words(hex: string): Int32Array {
  return new Int32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer)
}

function hashOf(hashKey: string, blocks: string): string {
  const ghash = new Ghash(Buffer.from(hashKey, 'hex'))
  const all = words(blocks)
  ghash.add(all, 0, all.length)
  return Buffer.from(ghash.sum.buffer).toString('hex')
}

describe('GHASH', () => {
  /** Test cases 2, 4 and 16 of McGrew and Viega, The Galois/Counter Mode of Operation (GCM), appendix B. */
  it.each([
    [
      'one block',
      '66e94bd4ef8a2c3b884cfa59ca342b2e',
      '0388dace60b6a392f328c2b971b2fe7800000000000000000000000000000080',
      'f38cbb1ad69223dcc3457ae5b6b0f885'
    ],
    [
      'what is authenticated and what is encrypted, neither of whole blocks',
      'b83b533708bf535d0aa6e52980d53b78',
      'feedfacedeadbeeffeedfacedeadbeefabaddad200000000000000000000000042831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0910000000000000000000000a000000000000001e0',
      '698e57f70e6ecc7fd9463b7260a9ae5f'
    ],
    [
      'a key of 256 bits',
      'acbef20579b4b8ebce889bac8732dad7',
      'feedfacedeadbeeffeedfacedeadbeefabaddad2000000000000000000000000522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f6620000000000000000000000a000000000000001e0',
      '8bd0c4d8aacd391e67cca447e8c38f65'
    ]
  ])('is what its authors say of %s', (_, hashKey, blocks, hash) => {
    expect(hashOf(hashKey, blocks)).toBe(hash)
  })

  it('begins anew when it is cleared, and adds no more than it is told', () => {
    const ghash = new Ghash(Buffer.from('66e94bd4ef8a2c3b884cfa59ca342b2e', 'hex'))
    const all = words(
      'ffffffffffffffffffffffffffffffff0388dace60b6a392f328c2b971b2fe7800000000000000000000000000000080'
    )
    ghash.add(all, 0, 4)
    ghash.clear()
    ghash.add(all, 4, 8)
    ghash.add(all, 8, 12)
    expect(Buffer.from(ghash.sum.buffer).toString('hex')).toBe('f38cbb1ad69223dcc3457ae5b6b0f885')
  })
})
