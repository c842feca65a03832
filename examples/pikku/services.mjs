/** The small services of pikku, here without an application: sessions, secrets and their rotation, channels and topics. */
import {
  RedisChannelStore,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
} from 'ferrodis/pikku';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const { url } = redis;

const sessions = new RedisSessionStore(url, 'app', 3600);
await sessions.set('ada', { userId: 'ada' });
console.log('session:', await sessions.get('ada'));

const channels = new RedisChannelStore(url, 'app');
const topics = new RedisEventHubStore(url, 'app');
await channels.addChannel({ channelId: 'c1', channelName: 'chat', openingData: { room: 7 } });
await topics.subscribe('news', 'c1');
console.log('followers of news:', await topics.getChannelIdsForTopic('news'));
await channels.removeChannels(['c1']);
console.log('and after the channel is gone:', await topics.getChannelIdsForTopic('news'));

const secrets = new RedisSecretService(url, { key: 'the first passphrase', keyPrefix: 'app' });
await secrets.setSecret('smtp', { user: 'ada', password: 'not shown' });
const rotated = new RedisSecretService(url, {
  key: 'the second passphrase',
  keyVersion: 2,
  previousKey: 'the first passphrase',
  keyPrefix: 'app',
});
console.log('secrets wrapped anew:', await rotated.rotateKEK());
console.log('a secret as logs see it:', JSON.stringify({ smtp: await rotated.getSecret('smtp') }));

const runs = new RedisWorkflowRunService(url);
console.log('workflow runs:', await runs.listRuns({ status: 'failed', limit: 10 }));

for (const service of [sessions, channels, topics, secrets, rotated, runs]) await service.close();
await redis.stop();
