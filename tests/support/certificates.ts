/** Certificates as Kafka operators make them, with Java's keytool; and the same as PEM. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PASSWORD = 'changeit';

export interface Certificates {
  /** Settings of a listener: its key store and trust store. */
  readonly server: Readonly<Record<string, string>>;
  /** The same with a certificate that has expired. */
  readonly expiredServer: Readonly<Record<string, string>>;
  /** PEM files. A client file holds the certificate and the key. */
  readonly ca: string;
  readonly otherCa: string;
  readonly client: string;
  /** Valid for longer. */
  readonly longClient: string;
  readonly expiredClient: string;
  /** Signed by the other authority. */
  readonly strangeClient: string;
}

const keytool = (...args: string[]): Promise<unknown> =>
  run('keytool', [...args, '-storepass', PASSWORD, '-storetype', 'PKCS12']);

export async function makeCertificates(folder: string): Promise<Certificates> {
  const path = (name: string): string => join(folder, name);
  const authority = async (alias: string): Promise<void> => {
    const store = ['-keystore', path(`${alias}.p12`), '-alias', alias];
    await keytool(
      '-genkeypair',
      ...store,
      '-keyalg',
      'EC',
      '-dname',
      `CN=${alias}`,
      '-ext',
      'bc:c',
      '-validity',
      '30',
    );
    await keytool('-exportcert', ...store, '-rfc', '-file', path(`${alias}.pem`));
  };
  const signed = async (alias: string, by: string, ...validity: string[]): Promise<void> => {
    const store = ['-keystore', path(`${alias}.p12`)];
    await keytool('-genkeypair', ...store, '-alias', alias, '-keyalg', 'EC', '-dname', `CN=${alias}`);
    await keytool('-certreq', ...store, '-alias', alias, '-file', path(`${alias}.csr`));
    await keytool(
      '-gencert',
      '-keystore',
      path(`${by}.p12`),
      '-alias',
      by,
      '-rfc',
      '-validity',
      '30',
      ...validity,
      '-ext',
      'san=ip:127.0.0.1',
      '-infile',
      path(`${alias}.csr`),
      '-outfile',
      path(`${alias}.crt`),
    );
    await keytool('-importcert', ...store, '-noprompt', '-alias', by, '-file', path(`${by}.pem`));
    await keytool('-importcert', ...store, '-noprompt', '-alias', alias, '-file', path(`${alias}.crt`));
  };
  const pem = (alias: string): Promise<unknown> =>
    run('openssl', [
      'pkcs12',
      '-in',
      path(`${alias}.p12`),
      '-passin',
      `pass:${PASSWORD}`,
      '-nodes',
      '-out',
      path(`${alias}.pem`),
    ]);
  await Promise.all([authority('ca'), authority('other-ca')]);
  const expired = ['-startdate', '-20d', '-validity', '10'];
  await signed('server', 'ca');
  await Promise.all([signed('expired-server', 'ca', ...expired), signed('client', 'ca')]);
  await Promise.all([signed('expired-client', 'ca', ...expired), signed('strange-client', 'other-ca')]);
  await signed('long-client', 'ca', '-validity', '60');
  for (const alias of ['client', 'long-client', 'expired-client', 'strange-client']) await pem(alias);
  await keytool(
    '-importcert',
    '-noprompt',
    '-keystore',
    path('trust.p12'),
    '-alias',
    'ca',
    '-file',
    path('ca.pem'),
  );
  const settings = (alias: string): Record<string, string> => ({
    'ssl.keystore.location': path(`${alias}.p12`),
    'ssl.keystore.password': PASSWORD,
    'ssl.truststore.location': path('trust.p12'),
    'ssl.truststore.password': PASSWORD,
  });
  return {
    server: settings('server'),
    expiredServer: settings('expired-server'),
    ca: path('ca.pem'),
    otherCa: path('other-ca.pem'),
    client: path('client.pem'),
    longClient: path('long-client.pem'),
    expiredClient: path('expired-client.pem'),
    strangeClient: path('strange-client.pem'),
  };
}
