/**
 * One's own picture in a corner: dragged with a finger, moved with the arrow keys, always resting in one of four corners.
 */

type Corner = "top-left" | "top-right" | "bottom-left" | "bottom-right";

export function movable(element: HTMLElement, start: Corner): void {
  let corner = start;
  let origin: { x: number; y: number } | null = null;
  element.dataset.corner = corner;
  element.tabIndex = 0;

  const rest = (next: Corner): void => {
    corner = next;
    element.dataset.corner = next;
    element.style.translate = "";
  };

  element.addEventListener("pointerdown", (event) => {
    if ((event.target as Element).closest("button")) return;
    origin = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
    element.classList.add("is-held");
  });
  element.addEventListener("pointermove", (event) => {
    if (!origin) return;
    element.style.translate = `${event.clientX - origin.x}px ${event.clientY - origin.y}px`;
  });
  const drop = (): void => {
    if (!origin) return;
    origin = null;
    element.classList.remove("is-held");
    const box = element.getBoundingClientRect();
    const room = element.parentElement!.getBoundingClientRect();
    const isLeft = box.left + box.width / 2 < room.left + room.width / 2;
    const isTop = box.top + box.height / 2 < room.top + room.height / 2;
    rest(`${isTop ? "top" : "bottom"}-${isLeft ? "left" : "right"}`);
  };
  element.addEventListener("pointerup", drop);
  element.addEventListener("pointercancel", drop);
  element.addEventListener("keydown", (event) => {
    const [vertical, horizontal] = corner.split("-") as ["top" | "bottom", "left" | "right"];
    const moves: Record<string, Corner> = {
      ArrowUp: `top-${horizontal}`,
      ArrowDown: `bottom-${horizontal}`,
      ArrowLeft: `${vertical}-left`,
      ArrowRight: `${vertical}-right`,
    };
    const next = moves[event.key];
    if (!next) return;
    event.preventDefault();
    rest(next);
  });
}
