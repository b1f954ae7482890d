import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeCrowd } from '../src/net/crowd';
import { parseFrame } from '../src/net/wire';

/** Frames that the Rust tests also read: both sides must mean the same by them. */
const folder = join(process.cwd(), '..', 'tests', 'fixtures', 'frames');
const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
const text = files.filter(
  (f) => /server|welcome|moved|presence|near|apart|steps|ack|error/.test(f) && f.endsWith('.json'),
);
const binary = files.filter((f) => f.endsWith('.bin'));

describe.skipIf(text.length + binary.length === 0)('golden frames', () => {
  it.each(text)('%s has a type', (name) => {
    for (const line of readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((l) => l.startsWith('{"type"')))
      expect(parseFrame(line)).not.toBeNull();
  });
  it.each(binary)('%s is a crowd frame', (name) => {
    const bytes = readFileSync(join(folder, name));
    expect(
      decodeCrowd(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer),
    ).not.toBeNull();
  });
});

describe('a text frame', () => {
  it('that is no object with a type is left alone', () => {
    for (const bad of ['', 'null', '[]', '{"type":1}', '{', '"x"']) expect(parseFrame(bad)).toBeNull();
    expect(parseFrame('{"type":"brand_new","x":1}')).not.toBeNull();
  });
});
