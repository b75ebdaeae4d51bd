// Views that this browser keeps under a name: each is an address.
const STORED = "mooring-views";

const kept = () => {
  try {
    const views = JSON.parse(localStorage.getItem(STORED) || "[]");
    return Array.isArray(views) ? views.filter((view) => typeof view?.name === "string" && typeof view.query === "string") : [];
  } catch {
    return [];
  }
};

export default {
  template: `
    <div class="m-popped">
      <button ref="button" type="button" class="m-button" popovertarget="saved-views" data-testid="views-button">
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="M6 4h12v16l-6-4.5L6 20z" /></svg>
        <span class="m-clip">{{ current ? current.name : 'Views' }}</span>
      </button>
      <section id="saved-views" ref="popover" popover class="m-popover" aria-label="Saved views" data-testid="views"
               @beforetoggle="place" @toggle="opened">
        <h2>Saved views</h2>
        <p v-if="!views.length" class="m-muted">None yet. Set filters, focus, order and columns, then give what you see a name.</p>
        <ul v-else>
          <li v-for="view in views" :key="view.name" data-testid="saved-view">
            <form v-if="renaming === view.name" @submit.prevent="rename(view)">
              <input v-model="renamed" maxlength="80" :aria-label="'New name of ' + view.name" data-testid="new-name"
                     @keydown.esc.stop.prevent="renaming = null" />
              <button type="submit" class="m-button">Rename</button>
            </form>
            <template v-else>
              <a :href="'/' + view.query" :aria-current="view.query === query ? 'true' : null"
                 @click.exact.prevent="pick(view)">{{ view.name }}</a>
              <button type="button" class="m-bare" :aria-label="'Rename ' + view.name" title="Rename" @click="begin(view)">
                <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="m5 19 1-4L16 5l3 3L9 18z" /></svg>
              </button>
              <button type="button" class="m-bare" :aria-label="'Delete ' + view.name" title="Delete" @click="remove(view)">
                <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13" /></svg>
              </button>
            </template>
          </li>
        </ul>
        <p v-if="removed" class="m-muted" role="status">{{ removed.name }} is deleted.
          <button type="button" class="m-link" @click="restore">Keep it</button></p>
        <form @submit.prevent="save">
          <label for="view-name">Save what is shown as</label>
          <div class="m-span">
            <input id="view-name" ref="name" v-model="name" maxlength="80" autocomplete="off" :aria-invalid="!!trouble"
                   aria-describedby="view-trouble" data-testid="view-name" />
            <button type="submit" class="m-button" data-testid="save-view">{{ taken ? 'Replace' : 'Save' }}</button>
          </div>
          <p id="view-trouble" class="m-wrong" role="alert">{{ trouble }}</p>
        </form>
        <p class="m-muted">Views are kept in this browser only. To share one, share its address.</p>
      </section>
    </div>`,
  props: { query: { default: "" } },
  emits: ["view"],
  data: () => ({ views: kept(), name: "", renaming: null, renamed: "", removed: null, trouble: "" }),
  computed: {
    current() {
      return this.query ? this.views.find((view) => view.query === this.query) : null;
    },
    taken() {
      return this.views.some((view) => view.name === this.name.trim());
    },
  },
  mounted() {
    // Another tab of this browser saved one.
    this.listen = (event) => event.key === STORED && (this.views = kept());
    addEventListener("storage", this.listen);
  },
  unmounted() {
    removeEventListener("storage", this.listen);
  },
  methods: {
    place() {
      mooring.placePopover(this.$refs.popover, this.$refs.button);
    },
    opened(event) {
      this.removed = null;
      this.trouble = "";
      if (event.newState === "open" && !this.views.length) this.$refs.name.focus();
    },
    pick(view) {
      this.$refs.popover.hidePopover();
      this.$emit("view", view.query);
    },
    save() {
      const name = this.name.trim();
      if (!name) return (this.trouble = "Give it a name.");
      if (this.keep([...this.views.filter((view) => view.name !== name), { name, query: this.query }])) this.name = "";
    },
    begin(view) {
      this.renaming = this.renamed = view.name;
      this.$nextTick(() => this.$refs.popover.querySelector("[data-testid=new-name]").select());
    },
    rename(view) {
      const name = this.renamed.trim();
      if (!name) return (this.trouble = "Give it a name.");
      if (name !== view.name && this.views.some((other) => other.name === name))
        return (this.trouble = "Another view has that name.");
      if (this.keep(this.views.map((other) => (other.name === view.name ? { ...other, name } : other)))) this.renaming = null;
    },
    remove(view) {
      if (this.keep(this.views.filter((other) => other !== view))) this.removed = view;
    },
    restore() {
      if (this.keep([...this.views, this.removed])) this.removed = null;
    },
    keep(views) {
      views = [...views].sort((one, other) => one.name.localeCompare(other.name));
      try {
        localStorage.setItem(STORED, JSON.stringify(views));
      } catch {
        this.trouble = "This browser does not let the page keep anything.";
        return false;
      }
      this.views = views;
      this.trouble = "";
      return true;
    },
  },
};
