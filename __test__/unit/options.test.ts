import { describe, expect, it } from 'vitest';

import { ConfigError } from '../../dist/errors.js';
import { type ConnectionOptions, nativeOptions } from '../../dist/options.js';

const message = (options: unknown): string => {
  try {
    nativeOptions(options as ConnectionOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('options that are more than one value', () => {
  it('cross as they were given', () => {
    const options = {
      sentinels: [{ host: 'a' }, { host: 'b', port: 5000 }],
      sentinelName: 'orders',
      natMap: { '10.0.0.1:6379': { host: 'outside', port: 7001 } },
    };
    expect(nativeOptions({ ...options, sentinelTls: true })).toMatchObject({ ...options, sentinelTls: {} });
    expect(nativeOptions({ sentinelTls: false, tls: false })).not.toHaveProperty('sentinelTls');
  });

  it('are checked to the last part, and the part is named', () => {
    expect(message({ sentinels: 'a' })).toBe('sentinels: must be an array of objects with host and port');
    expect(message({ sentinels: [{}, 7] })).toBe('sentinels[1]: must be an object with host and port');
    expect(message({ sentinels: [{ port: '1' }] })).toBe('sentinels[0].port: must be a number');
    expect(message({ sentinels: [{ family: 6 }] })).toBe('sentinels[0].family: is not a part of an address');
    expect(message({ cluster: true })).toBe('cluster: must be an array of objects with host and port');
    expect(message({ natMap: () => null })).toBe('natMap: must be an object');
    expect(message({ natMap: { 'a:1': 'b:2' } })).toBe("natMap['a:1']: must be an object with host and port");
    expect(message({ sentinelTls: { ca: 5 } })).toBe('sentinelTls.ca: must be PEM as a string or bytes');
    expect(message({ tls: 1 })).toBe('tls: must be true, false or an object');
  });
});
