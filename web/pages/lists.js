// What lists that change by themselves have in common. The component's root is what scrolls; its rows have `data-row`.
mooring.list = {
  components: {
    // Tells of rows that came above what is being read, and leads there.
    "list-news": {
      template: `
        <div class="m-news" role="status">
          <button v-if="unseen" type="button" class="m-button" data-testid="news" @click="$emit('follow')">
            ↑ {{ unseen }} new {{ noun }}{{ unseen === 1 ? '' : 's' }}
          </button>
        </div>`,
      props: { unseen: Number, noun: String },
      emits: ["follow"],
    },
    // What stands below the rows: what to do where there are none yet (the slot), that none matches, or that there are more.
    "list-end": {
      template: `
        <div v-if="empty === 'new'" class="m-empty" data-testid="empty"><slot></slot></div>
        <div v-else-if="empty === 'filtered'" class="m-empty" data-testid="empty">
          <h2>{{ unmatched }}</h2>
          <p>{{ reason }}</p>
          <button type="button" class="m-button" @click="$emit('clear')">Clear filters</button>
        </div>
        <div v-else-if="more" class="m-foot">
          <button type="button" class="m-button" data-testid="more" @click="$emit('more')">Show more</button>
        </div>`,
      props: { empty: String, more: Boolean, unmatched: String, reason: String },
      emits: ["more", "clear"],
    },
  },
  props: {
    entries: { default: () => [] }, listing: String, turn: Number, selected: String, more: Boolean, empty: String, busy: Boolean,
  },
  emits: ["open", "more", "clear"],
  data() {
    return { rows: this.entries, shown: this.listing, arrived: {}, unseen: 0, now: Date.now() };
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
    this.at = this.turn;
    this.$el.addEventListener("scroll", () => this.$el.scrollTop < 8 && this.arrive(), { passive: true });
    // On the way to the top until there, or until the reader goes elsewhere.
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      this.$el.addEventListener(kind, () => (this.going = false), { passive: true });
    }
  },
  unmounted() {
    clearInterval(this.clock);
  },
  watch: {
    entries(entries) {
      this.at = this.turn;
      this.place(entries);
    },
  },
  methods: {
    rearrange(turn, ids, fresh) {
      if (turn < this.at) return;
      this.at = turn;
      const known = new Map([...this.rows, ...fresh].map((row) => [row.id, row]));
      this.place(ids.map((id) => known.get(id)).filter(Boolean));
    },
    // Rows that came above what is being read must not move it: the reader is told of them instead.
    place(rows) {
      const same = this.listing === this.shown;
      const known = new Set(this.rows.map((row) => row.id));
      const last = rows.findLastIndex((row) => known.has(row.id));
      const news = same ? rows.slice(0, known.size ? last + 1 : rows.length).filter((row) => !known.has(row.id)) : [];
      const reading = same && !this.going && this.$el.scrollTop > 8 ? this.firstInSight() : null;
      const was = reading?.getBoundingClientRect().top;
      this.shown = this.listing;
      this.rows = rows;
      this.now = Date.now();
      this.unseen = reading ? this.unseen + news.length : 0;
      for (const { id } of news) {
        this.arrived[id] = true;
        setTimeout(() => delete this.arrived[id], 2500);
      }
      this.$nextTick(() => {
        if (!same) this.$el.scrollTop = 0;
        else if (reading?.isConnected) this.$el.scrollTop += reading.getBoundingClientRect().top - was;
      });
    },
    firstInSight() {
      const top = this.$el.getBoundingClientRect().top;
      return [...this.$el.querySelectorAll("[data-row]")].find((row) => row.getBoundingClientRect().bottom > top + 40);
    },
    arrive() {
      this.unseen = 0;
      this.going = false;
    },
    toTop() {
      this.unseen = 0;
      this.going = true;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.$el.scrollTo({ top: 0, behavior: still ? "auto" : "smooth" });
    },
    clicked(row) {
      if (!String(getSelection())) this.$emit("open", row.id);
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
    iso: (at) => new Date(at).toISOString(),
  },
};

// Into the clipboard; where the browser keeps it from pages without TLS, by way of a field.
mooring.copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
};

// Between epoch milliseconds and what fields for days and times hold, in the browser's time zone.
mooring.day = (at) => (at === null ? "" : new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 10));
mooring.startOfDay = (day) => (day ? new Date(`${day}T00:00`).getTime() : null);
mooring.endOfDay = (day) => {
  if (!day) return null;
  const end = new Date(`${day}T00:00`);
  return end.setDate(end.getDate() + 1);
};
mooring.moment = (text) => (text ? new Date(text).getTime() : null);
