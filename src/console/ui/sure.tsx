import { useState } from "react";
import { Button } from "./button.tsx";

/** A button that asks once more before something that cannot be taken back. `sure` says what is lost. */
export function SureButton({
  children,
  sure,
  disabled,
  onClick,
}: {
  children: string;
  sure: string;
  disabled?: boolean;
  onClick(): void;
}) {
  const [isAsked, setAsked] = useState(false);
  return (
    <Button
      kind="danger"
      disabled={disabled ?? false}
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (isAsked) onClick();
        setAsked(!isAsked);
      }}
    >
      {isAsked ? sure : children}
    </Button>
  );
}
