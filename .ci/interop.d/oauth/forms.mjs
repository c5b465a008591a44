// What a person does with the forms of an issuer: types a login or a code, agrees or not.

const plain = (s) => s.replaceAll('&amp;', '&').replaceAll('&#x27;', "'").replaceAll('&quot;', '"');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*("([^"]*)"|'([^']*)')`, 'i'));
  return found ? plain(found[2] ?? found[3]) : undefined;
};
const no = ([name, value]) => /deny|cancel|abort/i.test(`${name}${value}`);

// The first form of a page: where it goes, its fields, its buttons, also those that stand outside it.
export const nextForm = (html) => {
  const form = html.match(/<form\b[^>]*>[\s\S]*?<\/form>/i)?.[0];
  if (!form) return undefined;
  const [head] = form.match(/<form\b[^>]*>/i), id = attribute(head, 'id'), fields = {}, buttons = [];
  const tags = (text) => [...text.matchAll(/<(input|button)\b[^>]*>/gi)].map(([tag]) => tag);
  const outside = tags(html.replace(form, '')).filter((tag) => id && attribute(tag, 'form') === id);
  for (const tag of [...tags(form), ...outside]) {
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

// The request that a person's answer makes; none if there is nothing to answer with.
export const answer = ({ fields, buttons, action, post }, html, page, person) => {
  const values = { ...fields }, { login, password, deny } = person;
  for (const name of ['login', 'username']) if (name in values) values[name] = login;
  if ('password' in values) values.password = password;
  // Typed once: a page that asks again did not take it, or has done with it.
  if (values.user_code === '') [values.user_code, person.code] = [person.code];
  if ('user_code' in values && !values.user_code) return undefined;
  const asked = values.prompt === 'consent' || values.confirm === 'yes' || /allow|accept/i.test(JSON.stringify(buttons));
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
