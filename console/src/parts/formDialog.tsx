// A dialog with a form: its fields, what the API said against them, and what sends it.

import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { CloseButton } from "./fields";

export default function FormDialog({
  title,
  send,
  sending,
  problem,
  onSend,
  onClose,
  beside,
  children,
}: {
  title: string;
  /** The words of the button that sends it. */
  send: string;
  sending: boolean;
  problem: Error | null;
  onSend: () => void;
  onClose: () => void;
  /** Another action, at the left. */
  beside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <ModalOverlay
      className="overlay"
      isDismissable
      isOpen
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Modal className="modal small">
        <Dialog className="dialog">
          <div className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <CloseButton label="Close" onPress={onClose} />
          </div>
          <form
            className="dialog"
            onSubmit={(event) => {
              event.preventDefault();
              onSend();
            }}
          >
            <div className="dialog-body form">
              {children}
              {problem && (
                <p role="alert" className="notice bad">
                  {problem.message}
                </p>
              )}
            </div>
            <div className="dialog-foot">
              {beside && <span className="beside">{beside}</span>}
              <Button className="button" onPress={onClose}>
                Cancel
              </Button>
              <Button className="button primary" type="submit" isPending={sending}>
                {send}
              </Button>
            </div>
          </form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
