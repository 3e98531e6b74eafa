-- A transaction sees and writes the rows of the tenant that it has named, and of no other; without
-- a name, none. Also for the owner of the tables.
ALTER TABLE budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON budgets USING (tenant = current_setting('largestack.tenant', true));

ALTER TABLE reservations ENABLE ROW LEVEL SECURITY;
ALTER TABLE reservations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reservations USING (tenant = current_setting('largestack.tenant', true));

ALTER TABLE rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE rates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON rates USING (tenant = current_setting('largestack.tenant', true));
