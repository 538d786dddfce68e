import { notifications } from '@mantine/notifications';

/** Copies, and says whether that went well: without TLS a browser may refuse. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notifications.show({ message: `${what} copied`, autoClose: 2000 });
  } catch {
    notifications.show({ message: `The browser does not let ${what.toLowerCase()} be copied`, color: 'red' });
  }
}
