import { expect, test } from 'vitest'
import { forwardedAddresses, isPrivateAddress, networkOf } from '../../src/access/addresses.ts'

test.each([
  '127.0.0.1',
  '127.8.8.8',
  '::1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.1.1',
  'fd00::1',
  'fe80::1%eth0',
  '::ffff:10.0.0.1'
])('%s is private', (address) => expect(isPrivateAddress(address)).toBe(true))

test.each([
  '8.8.8.8',
  '172.32.0.1',
  '172.15.0.1',
  '192.169.0.1',
  '11.0.0.1',
  '2001:db8::1',
  '::ffff:8.8.8.8',
  '0.0.0.0',
  'localhost',
  '',
  'unknown',
  '10.0.0.1.evil',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '127.1',
  '2130706433',
  '100.64.0.1'
])('%j is not', (address) => expect(isPrivateAddress(address)).toBe(false))

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:cafe:1:2:3:4:5', '2001:db8:cafe:1::/64'],
  ['2001:db8::17', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['this machine', 'this machine']
])('%s is of the network %s', (address, network) => expect(networkOf(address)).toBe(network))

test('what proxies say is read from all three headers, without ports, quotes and brackets', () => {
  expect(
    forwardedAddresses({
      'x-forwarded-for': '203.0.113.7, 10.0.0.1:4711',
      'x-real-ip': '203.0.113.8',
      forwarded: 'for=192.0.2.60;proto=http, For="[2001:db8:cafe::17]:4711"'
    })
  ).toEqual(['203.0.113.7', '10.0.0.1', '203.0.113.8', '192.0.2.60', '2001:db8:cafe::17'])
  expect(forwardedAddresses({})).toEqual([])
})
