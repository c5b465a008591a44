// What a person does with the forms of an issuer: types a login, agrees or not.

const plain = (s) => s.replaceAll('&amp;', '&').replaceAll('&#x27;', "'").replaceAll('&quot;', '"');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*("([^"]*)"|'([^']*)')`, 'i'));
  return found ? plain(found[2] ?? found[3]) : undefined;
};
const no = ([name, value]) => /deny|cancel|abort/i.test(`${name}${value}`);

// The first form of a page: where it goes, its fields, its buttons.
export const nextForm = (html) => {
  const form = html.match(/<form\b[^>]*>[\s\S]*?<\/form>/i)?.[0];
  if (!form) return undefined;
  const [head] = form.match(/<form\b[^>]*>/i), fields = {}, buttons = [];
  for (const [tag] of form.matchAll(/<(input|button)\b[^>]*>/gi)) {
    const isButton = /^<button/i.test(tag), name = attribute(tag, 'name'), value = attribute(tag, 'value') ?? '';
    const type = attribute(tag, 'type') ?? (isButton ? 'submit' : 'text');
    // A button without a name says something too: that no other was pressed.
    if (isButton || type === 'submit') buttons.push([name ?? '', value]);
    else if (!name) continue;
    else if (type !== 'checkbox') fields[name] = value;
    else if (/\schecked/.test(tag)) fields[name] = value || 'on';
  }
  return { fields, buttons, action: attribute(head, 'action'), post: /method\s*=\s*["']?post/i.test(head) };
};

// The request that a person's answer makes.
export const answer = ({ fields, buttons, action, post }, html, page, { login, password, deny }) => {
  const values = { ...fields };
  for (const name of ['login', 'username']) if (name in values) values[name] = login;
  if ('password' in values) values.password = password;
  const asked = values.prompt === 'consent' || /allow|accept/i.test(JSON.stringify(buttons));
  const press = buttons.find((button) => no(button) === (deny && asked));
  if (deny && asked && !press) {
    // No button for it: a link.
    const link = html.match(/href="([^"]*\/abort)"/);
    return { url: new URL(plain(link[1]), page).href };
  }
  if (press?.[0]) [, values[press[0]]] = press;
  const url = new URL(action || page, page).href, body = new URLSearchParams(values);
  return post ? { url, body } : { url: `${url.split('?')[0]}?${body}` };
};
