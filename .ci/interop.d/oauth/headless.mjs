// A browser without a browser: opens an authorization address, keeps cookies, submits the issuer's
// own login and consent forms, and stops at the client's redirect, which it prints.
//
//   node headless.mjs [options] ADDRESS [LOGIN]
//   --password=WORD   typed into a password field (any)
//   --deny            says no where consent is asked
//   --deliver         also fetches the redirect, as a browser does: a client listens there
//
// An issuer that shows an error page instead ends it with 1, and the page's text is printed.
import { nextForm, answer } from './forms.mjs';

const options = new Map();
const words = [];
for (const word of process.argv.slice(2)) {
  const [name, value] = word.startsWith('--') ? word.slice(2).split('=') : [];
  if (name) options.set(name, value ?? true); else words.push(word);
}
const [address, login = 'alice'] = words;
const person = { login, password: options.get('password') ?? 'any', deny: options.has('deny') };
const { origin } = new URL(address);
const cookies = new Map();

const open = async ({ url, body }) => {
  const response = await fetch(url, {
    redirect: 'manual', method: body ? 'POST' : 'GET', body,
    headers: { cookie: [...cookies.values()].join('; '), accept: 'text/html', referer: url, ...(body ? { origin } : {}) },
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [pair] = cookie.split(';'), [name] = pair.split('=');
    if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(cookie)) cookies.delete(name); else cookies.set(name, pair);
  }
  return response;
};

const text = (html) => html.replace(/<(style|script)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();

let next = { url: address };
for (let hop = 0; hop < 30; hop += 1) {
  const response = await open(next);
  const location = response.headers.get('location');
  if (location) {
    next = { url: new URL(location, next.url).href };
    if (new URL(next.url).origin === origin) continue;
    if (options.has('deliver')) {
      const page = await fetch(next.url);
      console.error(`delivered: ${page.status} ${text(await page.text()).slice(0, 200)}`);
    }
    console.log(next.url);
    process.exit(0);
  }
  const html = await response.text();
  const form = response.status < 400 && nextForm(html);
  if (!form) {
    console.log(`${response.status} ${text(html).slice(0, 300)}`);
    process.exit(response.status === 200 ? 0 : 1);
  }
  next = answer(form, html, next.url, person);
}
console.error('too many hops');
process.exit(2);
