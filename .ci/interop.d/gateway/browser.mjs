// Chromium without a window, driven over its DevTools protocol. What the network brought is kept.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export const until = async (what, test, seconds = 30) => {
  const end = Date.now() + seconds * 1000;
  for (let last; ; await pause(100)) {
    try { last = await test(); } catch (error) { last = error; }
    if (last && !(last instanceof Error)) return last;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}${last instanceof Error ? ` (${last.message})` : ''}`);
  }
};

export const launch = async (profile) => {
  const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const child = spawn('chromium', [
    '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, '--no-first-run',
    '--no-default-browser-check', '--disable-gpu', '--disable-extensions', '--disable-background-networking',
    '--disable-component-update', '--disable-dev-shm-usage', '--lang=en', ...root, 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise((found, failed) => {
    createInterface(child.stderr).on('line', (line) => {
      const listening = line.match(/^DevTools listening on (ws:.*)$/);
      if (listening) found(listening[1]);
    });
    child.once('exit', () => failed(new Error('chromium ended before it listened')));
  });
  const socket = new WebSocket(address);
  await new Promise((opened, failed) => { socket.onopen = opened; socket.onerror = failed; });

  let next = 0;
  const waiting = new Map(), tabs = new Map(), newTabs = [];
  const send = (method, params = {}, sessionId = undefined) => new Promise((done, failed) => {
    next += 1;
    waiting.set(next, { done, failed, method });
    socket.send(JSON.stringify({ id: next, method, params, sessionId }));
  });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.id) {
      const { done, failed, method } = waiting.get(message.id);
      waiting.delete(message.id);
      return message.error ? failed(new Error(`${method}: ${message.error.message}`)) : done(message.result);
    }
    if (message.method === 'Target.attachedToTarget' && message.params.targetInfo.type === 'page') {
      const tab = tabOf(message.params.sessionId, message.params.targetInfo.targetId);
      tabs.set(message.params.sessionId, tab);
      newTabs.push(tab);
    }
    tabs.get(message.sessionId)?.heard(message.method, message.params);
  };

  const tabOf = (session, target) => {
    const ask = (method, params) => send(method, params, session);
    // Every text that came over the network, and where from.
    const seen = [], statuses = new Map(), reading = [];
    const from = new Map();
    const heard = (method, params) => {
      if (method === 'Network.requestWillBeSent') from.set(params.requestId, params.request.url);
      if (method === 'Network.responseReceived') {
        seen.push({ url: params.response.url, text: JSON.stringify(params.response.headers) });
      }
      // Of answers, too, that the browser keeps from the page.
      if (method === 'Network.responseReceivedExtraInfo') {
        statuses.set(from.get(params.requestId), params.statusCode);
        seen.push({ url: 'headers', text: JSON.stringify(params.headers) });
      }
      if (method === 'Network.eventSourceMessageReceived') seen.push({ url: 'events', text: `${params.eventName} ${params.data}` });
      if (method === 'Network.loadingFinished' && from.has(params.requestId)) {
        const url = from.get(params.requestId);
        reading.push(ask('Network.getResponseBody', { requestId: params.requestId }).then(({ body }) => seen.push({ url, text: body })).catch(() => {}));
      }
    };
    const evaluate = async (expression) => {
      const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: false });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    // With the mouse, as a person does.
    const click = async (selector) => {
      const place = await until(`${selector} to click`, () => evaluate(`(() => {
        const node = document.querySelector(${JSON.stringify(selector)});
        if (!node || node.disabled) return null;
        node.scrollIntoView({ block: 'center' });
        const { x, y, width, height } = node.getBoundingClientRect();
        return width && { x: x + width / 2, y: y + height / 2 };
      })()`));
      for (const type of ['mousePressed', 'mouseReleased']) await ask('Input.dispatchMouseEvent', { type, ...place, button: 'left', clickCount: 1 });
    };
    const type = async (selector, text) => {
      await until(`${selector} to type into`, () => evaluate(`(() => { const node = document.querySelector(${JSON.stringify(selector)}); node?.focus(); return Boolean(node); })()`));
      await ask('Input.insertText', { text });
    };
    const open = async (url) => { await ask('Page.navigate', { url }); };
    const shoot = async (width, height, scheme = 'light') => {
      await ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
      await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await ask('Emulation.setScrollbarsHidden', { hidden: true });
      await evaluate('window.scrollTo(0, 0)');
      await pause(400);
      return Buffer.from((await ask('Page.captureScreenshot', { format: 'png' })).data, 'base64');
    };
    const ready = Promise.all([ask('Network.enable'), ask('Page.enable'), ask('Runtime.enable')]);
    return { ask, evaluate, click, type, open, shoot, heard, seen, statuses, target, ready, settled: () => Promise.all(reading) };
  };

  await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  const newTab = async () => {
    const tab = await until('a new tab', () => newTabs.shift());
    await tab.ready;
    return tab;
  };
  const openTab = async () => { await send('Target.createTarget', { url: 'about:blank' }); return newTab(); };
  await newTab();
  const end = async () => {
    const gone = once(child, 'exit');
    send('Browser.close').catch(() => {});
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(late);
  };
  return { openTab, newTab, end, kill: () => child.exitCode ?? child.kill('SIGKILL') };
};
