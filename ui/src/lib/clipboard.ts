import { notifications } from '@mantine/notifications';

/** As a selected text is copied: the only way on pages of plain HTTP, where browsers offer no clipboard. */
function copySelected(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  try {
    return document.execCommand('copy');
  } finally {
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}

async function copyAnyhow(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** Copies, and says whether that went well. */
export async function copy(text: string, what: string): Promise<void> {
  if (await copyAnyhow(text)) notifications.show({ message: `${what} copied`, autoClose: 2000 });
  else
    notifications.show({ message: `The browser does not let ${what.toLowerCase()} be copied`, color: 'red' });
}
