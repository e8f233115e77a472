// One draw of the whole page for any number of changes: lit-html touches only what differs.

let draw = () => {};
let isScheduled = false;
let tasks = [];

/** Set the function that draws the page. */
export function drawWith(drawPage) {
  draw = drawPage;
}

/** Have the page drawn before the next frame. */
export function redraw() {
  if (isScheduled) return;
  isScheduled = true;
  // A tab in the background has no frames, and its status would grow old.
  const schedule = document.hidden ? (task) => setTimeout(task, 0) : requestAnimationFrame;
  schedule(() => {
    isScheduled = false;
    draw();
    const due = tasks;
    tasks = [];
    for (const task of due) task();
  });
}

/** Have the page drawn, and call a function after that: for the focus, or a dialog that only then is there. */
export function afterDraw(task) {
  tasks.push(task);
  redraw();
}
