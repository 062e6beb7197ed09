// checks.js - what a reader by keyboard, by ear, in the dark or on paper needs of a page: most functions give a list of
// what is missing, empty where nothing is.  Run in the page by test/t/transparency_page.pl.
(() => {
	const all = (selector, root = document) => [...root.querySelectorAll(selector)];
	const show = element => element.outerHTML.replace(/\s+/g, ' ').slice(0, 120);
	const text_of_ids = (element, attribute) => (element.getAttribute(attribute) || '').split(/\s+/).filter(Boolean)
		.map(id => document.getElementById(id)).map(found => found ? found.textContent.trim() : null);
	const drawings = () => all('svg').filter(svg => !svg.parentElement.closest('svg'));

	const structure = () => {
		const found = [];
		if (document.documentElement.lang !== 'en') found.push('no language');
		if (!document.title) found.push('no title');
		for (const landmark of ['header', 'nav', 'main', 'footer'])
			if (all(`body ${landmark}`).length !== 1) found.push(`not one ${landmark}`);
		const levels = all('h1, h2, h3, h4, h5, h6').map(h => +h.tagName[1]);
		if (levels.filter(level => level === 1).length !== 1) found.push('not one h1');
		// the name of the list of contents stands before or after the h1, at its own level
		levels.reduce((before, level) => { if (level > before + 1) found.push(`h${before} is followed by h${level}`); return level; }, 0);
		all('h1, h2, h3, caption, figcaption, summary, a, th').filter(e => !e.textContent.trim()).forEach(e => found.push(`empty: ${show(e)}`));
		const ids = all('[id]').map(e => e.id);
		new Set(ids.filter((id, i) => ids.indexOf(id) !== i)).forEach(id => found.push(`id twice: ${id}`));
		for (const attribute of ['aria-labelledby', 'aria-describedby'])
			all(`[${attribute}]`).forEach(e => { if (text_of_ids(e, attribute).some(text => !text) || !text_of_ids(e, attribute).length) found.push(`${attribute} of nothing: ${show(e)}`); });
		all('a[href^="#"]').forEach(a => { if (!document.getElementById(a.hash.slice(1))) found.push(`a link to nowhere: ${show(a)}`); });
		all('main section').forEach(s => { if (!s.getAttribute('aria-labelledby')) found.push(`a section without a name: ${show(s)}`); });
		return found;
	};

	const tables = () => {
		const found = [];
		for (const table of all('table')) {
			if (!table.caption || !table.caption.textContent.trim()) found.push(`no caption: ${show(table)}`);
			all('th', table).forEach(th => { if (!['row', 'col'].includes(th.scope)) found.push(`no scope: ${show(th)}`); });
			const width = all('thead th', table).length;
			all('tr', table).forEach(tr => { if (tr.cells.length !== width) found.push(`a row of ${tr.cells.length} cells under ${width} headings: ${show(tr)}`); });
			all('tbody tr, tfoot tr', table).forEach(tr => { if (tr.cells[0].tagName !== 'TH') found.push(`a row without a heading: ${show(tr)}`); });
			const region = table.parentElement;
			if (region.tabIndex !== 0 || region.getAttribute('role') !== 'region') found.push(`cannot be scrolled by keyboard: ${show(region)}`);
		}
		all('*').filter(e => !e.closest('svg') && e.clientWidth && e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0)
			.forEach(e => found.push(`scrolls, and has no focus: ${show(e)}`));
		return found;
	};

	// Each drawing is an image with a title and a description, and the same figures stand in a table of its section.
	const charts = () => {
		const found = [];
		for (const svg of drawings()) {
			if (svg.getAttribute('role') !== 'img') found.push(`no image: ${show(svg)}`);
			for (const [part, attribute] of [['title', 'aria-labelledby'], ['desc', 'aria-describedby']]) {
				const element = svg.querySelector(`:scope > ${part}`);
				if (!element || !element.textContent.trim()) found.push(`no ${part}: ${show(svg)}`);
				else if (svg.getAttribute(attribute) !== element.id) found.push(`${part} is not its ${attribute}: ${show(svg)}`);
			}
			const cells = new Set(all('table td, table th', svg.closest('section')).map(cell => cell.textContent.trim()));
			const values = all('.bar-value', svg).map(e => e.textContent).concat(all('.mark > title', svg).map(e => e.textContent.split(': ').pop()));
			values.filter(value => !cells.has(value)).forEach(value => found.push(`${value} is in no table: ${show(svg)}`));
			const named = all('.bar-name', svg).length;
			const number = text => Number(text.replace(/,/g, ''));
			const size = svg.matches('.bars') ? mark => parseFloat(mark.getAttribute('width')) : mark => parseFloat(mark.getAttribute('height'));
			const marks = all('.mark', svg), most = Math.max(...values.map(number)), largest = Math.max(...marks.map(size));
			marks.forEach((mark, i) => {
				if (Math.abs(size(mark) / largest - number(values[i]) / most) > 0.011) found.push(`${values[i]} is drawn as ${size(mark)} of ${largest}: ${show(svg)}`);
			});
			if (svg.matches('.bars') && named !== all('.mark', svg).length) found.push(`a bar without its name: ${show(svg)}`);
		}
		return found;
	};

	const luminance = ([r, g, b]) => { const f = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
	const color = text => { const n = (text || '').match(/[\d.]+/g); return !n || (n.length > 3 && +n[3] === 0) || !/^rgb/.test(text) ? null : n.slice(0, 3).map(Number); };
	const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	const ground_at = (x, y, above) => {
		const stack = document.elementsFromPoint(x, y);
		const from = stack.indexOf(above);
		for (const e of stack.slice(from < 0 ? 0 : from)) {
			const style = getComputedStyle(e);
			const shape = e instanceof SVGGeometryElement && !(e instanceof SVGLineElement) && e !== above ? color(style.fill) : e instanceof HTMLElement ? color(style.backgroundColor) : null;
			if (shape) return shape;
		}
		return color(getComputedStyle(document.documentElement).backgroundColor) || [255, 255, 255];
	};

	// Of every text in sight the contrast with what is painted behind its middle; of bars and marks with what is beside them.
	const contrast = () => {
		const found = [];
		let looked = 0;
		all('details').forEach(details => { details.open = true; });
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node; (node = walker.nextNode());) {
			const element = node.parentElement;
			if (!node.data.trim() || ['TITLE', 'title', 'desc', 'STYLE'].includes(element.tagName)) continue;
			const style = getComputedStyle(element);
			const range = document.createRange();
			range.selectNodeContents(node);
			let box = range.getClientRects()[0];
			if (!box || !box.width || style.visibility !== 'visible') continue;
			const region = element.closest('.scroll, pre');
			if (region) region.scrollTo(box.left - region.getBoundingClientRect().left + region.scrollLeft, box.top - region.getBoundingClientRect().top + region.scrollTop - 60);
			element.scrollIntoView({ block: 'center', behavior: 'instant' });
			box = range.getClientRects()[0];
			const x = box.left + Math.min(box.width, 40) / 2, y = box.top + box.height / 2;
			if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
			const ink = color(element instanceof SVGElement ? style.fill : style.color);
			const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
			const got = ratio(ink, ground_at(x, y, element));
			looked++;
			if (got < (large ? 3 : 4.5)) found.push(`${got.toFixed(2)}: ${show(element)}`);
		}
		for (const mark of all('.drawing .mark, .map .dot:not(.off), .map .pin:not(.off)')) {
			const fill = color(getComputedStyle(mark).fill), svg = mark.closest('.drawing');
			const beside = svg.matches('.map') ? color(getComputedStyle(svg.querySelector('.area') || svg.querySelector('.sea')).fill) : color(getComputedStyle(document.documentElement).backgroundColor);
			if (ratio(fill, beside) < 3) found.push(`${ratio(fill, beside).toFixed(2)}: ${show(mark)}`);
		}
		scrollTo({ top: 0, behavior: 'instant' });
		return looked < 20 ? [`only ${looked} texts were looked at`] : found;
	};

	// Nothing that runs, loads or sends, and no style but the one of the page.
	const self_contained = () => {
		const found = all('script, img, iframe, object, embed, video, audio, form, input, button, base, meta[http-equiv="refresh" i]').map(show);
		all('*').forEach(e => [...e.attributes].forEach(a => {
			if (/^on/i.test(a.name) || a.name === 'style') found.push(`${a.name}: ${show(e)}`);
			if (['src', 'href', 'xlink:href', 'srcset', 'data', 'action', 'poster'].includes(a.name) && !/^(#|data\/[a-z]+\.[a-z]+$|mailto:|data:image\/svg\+xml,)/.test(a.value)
				&& !(e.tagName === 'A' && e.closest('#about, section') && /^https:/.test(a.value))) found.push(`${a.name}: ${show(e)}`);
		}));
		if (/url\(|@import/.test(all('style').map(s => s.textContent).join())) found.push('the style sheet loads something');
		return found;
	};

	// What somebody gets a script into the page with is refused by the page's own policy.
	const policy = async () => {
		const violations = [];
		document.addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective));
		const script = document.createElement('script');
		script.textContent = 'window.ran = true';
		document.head.append(script);
		const image = new Image();
		const failed = new Promise(resolve => { image.onerror = resolve; image.onload = resolve; });
		image.src = 'data/checkpoint.txt?http://example.com/x.png';
		document.body.append(image);
		document.body.setAttribute('style', 'color: red');
		await failed;
		const fetched = await fetch('data/usage.csv').then(() => 'fetched', () => 'refused');
		await new Promise(resolve => setTimeout(resolve, 50));
		script.remove(); image.remove(); document.body.removeAttribute('style');
		return [String(window.ran), fetched, ...new Set(violations)].sort();
	};

	const wide = () => all('body *').filter(e => { const box = e.getBoundingClientRect(); return !e.closest('.scroll, pre, svg, .skip') && box.width && box.right > document.documentElement.clientWidth + 1; }).map(show).slice(0, 3);
	const scrolls_sideways = () => document.documentElement.scrollWidth > document.documentElement.clientWidth ? wide().concat('the page') : wide();

	// Numbers of a map and where they stand on it, in pixels, with the pixels of its mile and kilometer
	const map = () => {
		const svg = document.querySelector('.map'), frame = svg.getBoundingClientRect();
		const places = Object.fromEntries(all('.pin', svg).map(pin => { const box = pin.getBoundingClientRect(); return [pin.nextElementSibling.textContent, [box.left + box.width / 2 - frame.left, box.top + box.height / 2 - frame.top]]; }));
		const lengths = Object.fromEntries(all('.scale', svg).map(line => [line.nextElementSibling.textContent, line.getBoundingClientRect().width]));
		return { places, lengths };
	};

	window.checks = { structure, tables, charts, contrast, self_contained, policy, scrolls_sideways, map };
	return Object.keys(window.checks).join(' ');
})()
