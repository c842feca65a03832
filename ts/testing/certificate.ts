/**
 * A certificate authority for one test server. Node can read certificates but not make them, so the few DER structures
 * of X.509 that are needed (RFC 5280) are written here. Nothing made here is fit for anything but tests.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate and its private key, in PEM. */
export interface Credentials {
  certificate: string;
  key: string;
}

/** An authority that clients can be told to trust. */
export interface Authority extends Credentials {
  /** Issues a certificate for servers on `localhost` and 127.0.0.1, and for clients. */
  issue(commonName: string): Credentials;
}

/** How long the certificates are valid, in milliseconds: longer than any test runs, with room for clocks that differ. */
const VALIDITY = 24 * 60 * 60 * 1000;

/** One DER value: tag, length, content. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  return Buffer.concat([Buffer.from([tag, 0x82]), length, content]);
}

const sequence = (...contents: Uint8Array[]): Buffer => der(0x30, ...contents);
const set = (...contents: Uint8Array[]): Buffer => der(0x31, ...contents);
const octets = (...contents: Uint8Array[]): Buffer => der(0x04, ...contents);
const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);
const integer = (...bytes: number[]): Buffer => der(0x02, Buffer.from(bytes));
const text = (value: string): Buffer => der(0x0c, Buffer.from(value));
const yes: Buffer = der(0x01, Buffer.from([0xff]));
/** Content of tag `number` within a structure that numbers its parts. */
const part = (number: number, ...contents: Uint8Array[]): Buffer => der(0xa0 | number, ...contents);

/** An object identifier: the first two numbers share a byte, larger ones are spread over seven bits a byte. */
function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const spread = (value: number): number[] => {
    const bytes = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  };
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(spread)]));
}

const time = (date: Date): Buffer => {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
};
const name = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), text(commonName))));
const ecdsaWithSha256: Buffer = sequence(oid('1.2.840.10045.4.3.2'));

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

/** basicConstraints and keyUsage of an authority: may sign certificates. */
const authorityExtensions = (): Buffer =>
  sequence(extension('2.5.29.19', true, sequence(yes)), extension('2.5.29.15', true, bits(Buffer.from([0x04]), 2)));

/** subjectAltName (a DNS name and an address) and extKeyUsage (server and client) of everything else. */
const peerExtensions = (): Buffer =>
  sequence(
    extension(
      '2.5.29.17',
      false,
      sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))),
    ),
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
  );

const pem = (content: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${content.toString('base64').replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

/** A fresh pair of keys on P-256. */
const keyPair = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

function certificate(
  issuer: string,
  subject: string,
  publicKey: KeyObject,
  extensions: Buffer,
  signer: KeyObject,
): string {
  const now = Date.now();
  // The first byte keeps the serial number positive and free of leading zeros.
  const serial = integer(0x40, ...randomBytes(15));
  const body = sequence(
    part(0, integer(2)), // version 3
    serial,
    ecdsaWithSha256,
    name(issuer),
    sequence(time(new Date(now - VALIDITY)), time(new Date(now + VALIDITY))),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    part(3, extensions),
  );
  return pem(sequence(body, ecdsaWithSha256, bits(sign('sha256', body, signer))));
}

const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Makes an authority that exists nowhere but in the memory of this process. */
export function testAuthority(commonName = 'ferrodis test authority'): Authority {
  const own = keyPair();
  return {
    certificate: certificate(commonName, commonName, own.publicKey, authorityExtensions(), own.privateKey),
    key: privateKeyPem(own.privateKey),
    issue(subject: string): Credentials {
      const { publicKey, privateKey } = keyPair();
      return {
        certificate: certificate(commonName, subject, publicKey, peerExtensions(), own.privateKey),
        key: privateKeyPem(privateKey),
      };
    },
  };
}
