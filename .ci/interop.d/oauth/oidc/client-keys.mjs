// Key pairs of clients that sign their assertions: made anew at each start, the private parts left in
// a folder for the tests, as PEM.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';

const kinds = { rsa: ['rsa', { modulusLength: 2048 }], ec: ['ec', { namedCurve: 'P-256' }] };

// The public parts, by name.
export const clientKeys = (folder) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return Object.fromEntries(Object.entries(kinds).map(([name, [type, how]]) => {
    const { privateKey, publicKey } = generateKeyPairSync(type, how);
    writeFileSync(`${folder}/${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return [name, { ...publicKey.export({ format: 'jwk' }), kid: `${name}-1`, use: 'sig' }];
  }));
};
