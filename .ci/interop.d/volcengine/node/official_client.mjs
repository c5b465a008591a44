// Volcengine's own client for Node against the emulator: it signs other headers than the one for
// Python, not even the host, and puts parameters into the query.
//
//   node official_client.mjs http://127.0.0.1:PORT
import assert from 'node:assert/strict';
import { Service } from '@volcengine/openapi';

const { host, protocol } = new URL(process.argv[2]);
const key = { accessKeyId: 'AKLT-gateway', secretKey: 'gateway-example-secret' };
const service = (serviceName, defaultVersion, credentials = key) =>
  new Service({ host, protocol, serviceName, defaultVersion, region: 'cn-beijing', sessionToken: '', ...credentials });
const sts = (credentials) => service('sts', '2018-01-01', credentials);
const identity = (credentials) => service('id', '2025-10-30', credentials);

const assume = sts().createAPI('AssumeRole', { method: 'GET' });
const asked = { RoleTrn: 'trn:iam::2100000000:role/agent', RoleSessionName: 's@1,=.-_~', DurationSeconds: 900 };
const { Credentials } = (await assume(asked)).Result;
assert.match(Credentials.ExpiredTime, /\+08:00$/);
const temporary = {
  accessKeyId: Credentials.AccessKeyId, secretKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken,
};
const who = await sts(temporary).createUrlEncodeAPI('GetCallerIdentity')({});
assert.equal(who.Result.IdentityId, 'agent:s@1,=.-_~');

const list = (credentials) => identity(credentials).createJSONAPI('ListCredentialProviders');
const page = { PageNumber: 1, PageSize: 10, Filter: { Name: 'calendar' } };
const found = await list(temporary)(page);
assert.deepEqual(found.Result.CredentialProviders.map(({ Name, Flow }) => [Name, Flow]), [['calendar', 'USER_FEDERATION']]);

const code = async (credentials) => (await list(credentials)(page)).ResponseMetadata.Error.Code;
assert.equal(await code({ ...key, secretKey: 'another' }), 'SignatureDoesNotMatch');
assert.equal(await code({ ...temporary, sessionToken: 'STS-other' }), 'InvalidSecretToken');
assert.equal(await code({ ...key, accessKeyId: 'AKLT-nobody' }), 'InvalidAccessKey');
console.log('ok');
