-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A dissector for the frames between two nodes: what travels in clear, which is the header. All
-- behind it is sealed. Load it with `wireshark -X lua_script:nsrp.lua`, or put it into the folder
-- of personal Lua plugins. (The name nsrp is taken: that is the protocol of NetScreen.)

local nsrp = Proto("nsrpd", "NSRP between two firewalls")

local ETHERTYPE, PORT = 0x88b5, 8133
local MAGIC, HEADER_LEN, NONCE_LEN, TAG_LEN = 0x4e, 24, 32, 16
local TYPES = { [1] = "HELLO", [2] = "SESSION", [3] = "HOLD", [4] = "PARTING" }
local HELLO = 1

local f = nsrp.fields
f.magic = ProtoField.uint8("nsrpd.magic", "Magic", base.HEX)
f.version = ProtoField.uint8("nsrpd.version", "Version")
f.type = ProtoField.uint8("nsrpd.type", "Type", base.DEC, TYPES)
f.cluster = ProtoField.uint8("nsrpd.cluster", "Cluster")
f.path = ProtoField.uint16("nsrpd.path", "Path tag", base.HEX)
f.path_name = ProtoField.string("nsrpd.path_name", "Path")
f.sender = ProtoField.uint8("nsrpd.sender", "Sender (by name, 0 or 1)")
f.key = ProtoField.uint8("nsrpd.key", "Hint of the cluster key", base.HEX)
f.session = ProtoField.uint32("nsrpd.session", "Session", base.HEX)
f.length = ProtoField.uint16("nsrpd.length", "Bytes behind the header")
f.reserved = ProtoField.uint16("nsrpd.reserved", "Reserved", base.HEX)
f.sequence = ProtoField.uint64("nsrpd.sequence", "Sequence number")
f.nonce = ProtoField.bytes("nsrpd.nonce", "Boot nonce")
f.sealed = ProtoField.bytes("nsrpd.sealed", "Sealed body")
f.tag = ProtoField.bytes("nsrpd.tag", "Tag")

local short = ProtoExpert.new("nsrpd.short", "shorter than it says", expert.group.MALFORMED,
	expert.severity.ERROR)
nsrp.experts = { short }

nsrp.prefs.paths = Pref.string("Names of paths", "",
	"Of the links and secondary paths, with blanks between: ha0 ha1 eth0")

-- FNV-1a in 32 bits, folded to 16 and never 0. The multiplication is by 2^24 + 0x193, in parts that a
-- double holds.
local function tag_of(name)
	local hash = 0x811c9dc5
	for i = 1, #name do
		hash = bit32.bxor(hash, name:byte(i))
		hash = (bit32.band(hash, 0xff) * 0x1000000 + hash * 0x193) % 0x100000000
	end
	local tag = bit32.bxor(bit32.rshift(hash, 16), bit32.band(hash, 0xffff))
	return tag ~= 0 and tag or 0xffff
end

local function name_of(tag)
	for name in nsrp.prefs.paths:gmatch("%S+") do
		if tag_of(name) == tag then
			return name
		end
	end
end

local function add_header(tree, buf)
	tree:add(f.magic, buf(0, 1))
	tree:add(f.version, buf(1, 1))
	tree:add(f.type, buf(2, 1))
	tree:add(f.cluster, buf(3, 1))
	tree:add(f.path, buf(4, 2))
	local name = name_of(buf(4, 2):uint())
	if name then
		tree:add(f.path_name, buf(4, 2), name):set_generated()
	end
	tree:add(f.sender, buf(6, 1))
	tree:add(f.key, buf(7, 1))
	tree:add(f.session, buf(8, 4))
	tree:add(f.length, buf(12, 2))
	tree:add(f.reserved, buf(14, 2))
	tree:add(f.sequence, buf(16, 8))
end

local function add_body(tree, buf, kind, len)
	local at, last = HEADER_LEN, HEADER_LEN + len
	local clear = kind == HELLO and NONCE_LEN or 0
	if last > buf:len() or len < clear + TAG_LEN then
		tree:add_proto_expert_info(short)
		return
	end
	if clear > 0 then
		tree:add(f.nonce, buf(at, clear))
		at = at + clear
	end
	if last - TAG_LEN > at then
		tree:add(f.sealed, buf(at, last - TAG_LEN - at))
	end
	tree:add(f.tag, buf(last - TAG_LEN, TAG_LEN))
end

function nsrp.dissector(buf, pinfo, tree)
	if buf:len() < HEADER_LEN or buf(0, 1):uint() ~= MAGIC then
		return 0
	end
	local kind, len = buf(2, 1):uint(), buf(12, 2):uint()
	local shown = math.min(HEADER_LEN + len, buf:len())
	local top = tree:add(nsrp, buf(0, shown))
	local tag = buf(4, 2):uint()

	add_header(top, buf)
	add_body(top, buf, kind, len)
	pinfo.cols.protocol = "nsrpd"
	pinfo.cols.info = string.format("%s, cluster %d, path %s, node %d, sequence %s",
		TYPES[kind] or ("type " .. kind), buf(3, 1):uint(),
		name_of(tag) or string.format("0x%04x", tag), buf(6, 1):uint(),
		tostring(buf(16, 8):uint64()))
	top:append_text(", " .. tostring(pinfo.cols.info))
	return shown
end

DissectorTable.get("ethertype"):add(ETHERTYPE, nsrp)
DissectorTable.get("udp.port"):add(PORT, nsrp)
