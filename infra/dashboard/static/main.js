import { h, text } from "../../web/dom.js";
import { data, day, section } from "./parts.js";
import { follow_theme } from "./chart.js";
import { draw_prices, draw_rates } from "./prices.js";
import { draw_movers, draw_sectors, draw_volume } from "./market.js";
import { draw_asked, draw_freshness, draw_quality } from "./quality.js";

text(section("where"), data.target);
text(section("title"), `${day(data.window.start)} to ${day(data.window.end)}`);
text(section("made"), `Made ${data.made_at.slice(0, 16).replace("T", " ")} UTC. Each price in the currency in which the share is quoted, rates for one euro.`);
if (data.simulated) {
  text(section("simulated"), `Not market data: ${data.simulated}.`);
  section("simulated").hidden = false;
  // The banner scrolls away, and a picture of a section may be all that is passed on.
  for (const name of ["prices", "movers", "sectors", "volume"]) section(name).querySelector("h2").append(" ", h("span", { class: "tag" }, "simulated"));
}
draw_freshness();
draw_prices();
draw_movers();
draw_sectors();
draw_rates();
draw_volume();
draw_quality();
draw_asked();
follow_theme();
