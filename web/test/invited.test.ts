import { beforeEach, describe, expect, it, vi } from 'vitest';

const open = async (address: string) => {
  vi.resetModules();
  history.replaceState(null, '', address);
  return import('../src/model/invited');
};

beforeEach(() => vi.resetModules());

describe('the code of an invite', () => {
  it('is taken out of the address before anything else can read it', async () => {
    const { invited } = await open('/join#lhi_abc-_1');
    expect(invited.value).toBe('lhi_abc-_1');
    expect(location.pathname + location.hash).toBe('/join');
  });

  it('may be missing, which is another thing than a page without an invite', async () => {
    expect((await open('/join')).invited.value).toBe('');
    expect((await open('/#map=3/1/2')).invited.value).toBe(null);
    expect(location.hash).toBe('#map=3/1/2');
  });

  it('is forgotten when it is dealt with', async () => {
    const { invited, leaveJoin } = await open('/join#x');
    leaveJoin();
    expect(invited.value).toBe(null);
    expect(location.pathname).toBe('/');
  });
});
