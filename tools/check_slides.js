({ leastText, leastContrast, slack }) => {
  // Measures the slide that is shown; called by check_slides.py. Gives the problems, a line each.
  const slide = Reveal.getCurrentSlide();
  const frame = document.querySelector('.slides').getBoundingClientRect();
  const scale = Reveal.getScale(), problems = [], boxes = [];
  const luminance = c => { const v = c.map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const colour = text => text.match(/[\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  for (const image of slide.querySelectorAll('img')) {
    if (!image.alt) problems.push('a picture without alternative text');
    if (!image.complete || !image.naturalWidth) problems.push('a picture that does not load: ' + image.src);
  }
  if (!slide.querySelector('aside.notes')) problems.push('no notes');
  const walk = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, e = node.parentElement;
    if (!node.textContent.trim() || e.closest('aside.notes')) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize) * scale;
    if (size < leastText - .01 && !e.closest('math')) problems.push(`text of ${size.toFixed(1)} px: ${node.textContent.trim().slice(0, 30)}`);
    const a = luminance(colour(style.color)), b = luminance(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < leastContrast) problems.push(`contrast of ${ratio.toFixed(1)}: ${node.textContent.trim().slice(0, 30)}`);
  }
  for (const e of slide.querySelectorAll('h1, h2, p, li, img, pre, table, math[display=block]')) {
    if (e.closest('aside.notes') || (e.tagName === 'P' && e.querySelector('img'))) continue;
    const box = e.getBoundingClientRect(), name = e.tagName.toLowerCase() + ' ' + (e.textContent || e.alt || '').trim().slice(0, 30);
    if (!box.width || !box.height) continue;
    if (box.left < frame.left - slack || box.right > frame.right + slack || box.top < frame.top - slack || box.bottom > frame.bottom + slack)
      problems.push('leaves the slide: ' + name);
    if (e.scrollWidth > e.clientWidth + slack && e.clientWidth) problems.push('is wider than its place: ' + name);
    if (e.querySelector('li')) continue;
    for (const other of boxes) {
      if (other.e.contains(e) || e.contains(other.e)) continue;
      const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (across > slack && down > slack) problems.push(`covers each other: ${name} | ${other.name}`);
    }
    boxes.push({e, box, name});
  }
  return problems;
}
